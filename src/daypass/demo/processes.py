"""The demo's two processes: started, awaited, and taken along when the demo ends."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from daypass.demo.errors import DemoError
from daypass.demo.signals import SignalGuard
from daypass.demo.state_dir import StateDirectory

DAYPASS = Path(sys.executable).with_name("daypass")
"""The command, in the environment that this demo runs from."""

START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
_PORTS_BELOW_EPHEMERAL = range(20_000, 32_768)
"""Ports below those that a system gives to the connections it opens itself: one of those may be gone again
before the portal listens at it."""
NOT_INHERITED = ("AWS_", "DAYPASS_", "DUPLO_")
"""The demo's processes have their own AWS; what the environment says about another is not for them."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the demo, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: str
    signals: SignalGuard

    @property
    def has_exited(self) -> bool:
        """Whether it is gone, which it should not be."""
        return self.process.poll() is not None

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Return when it is ready; refuse when it ended, or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while not is_ready():
            self.signals.check()
            if self.has_exited:
                raise DemoError(f"The {self.name} stopped while starting; {self.log} says why.")
            if time.monotonic() > deadline:
                raise DemoError(f"The {self.name} did not become ready; {self.log} may say why.")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it: asked first, forced when it does not listen. Returns when it is gone."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT)
        # It leads a group of its own: what it started itself goes with it.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class ProcessGroup:
    """All of them; leaving the `with` block ends them, the last one first, and is not interrupted itself."""

    def __init__(self, folder: StateDirectory, signals: SignalGuard) -> None:
        self._folder = folder
        self._signals = signals
        self._children: list[Child] = []

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Run `daypass ARGUMENTS`, with its output in the state folder."""
        # A stop in the middle of this would leave a process that nobody knows of.
        with self._signals.shielded():
            log = self._folder.open_log(f"{name}.log")
            try:
                process = subprocess.Popen(  # noqa: S603  our own command
                    [DAYPASS, *arguments],
                    env=inherited_environment() | dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C reaches the demo alone, so that it can end them in order.
                    start_new_session=True,
                )
            finally:
                os.close(log)
            child = Child(name, process, str(self._folder.path / f"{name}.log"), self._signals)
            self._children.append(child)
        return child

    def exited_child(self) -> Child | None:
        """One that is gone although nobody stopped it, if there is one."""
        return next((child for child in self._children if child.has_exited), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signals.disable()
        for child in reversed(self._children):
            child.stop()


def inherited_environment() -> dict[str, str]:
    """This process's environment, without what it says about another AWS or another portal."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}


def choose_port(wanted: int, option: str) -> int:
    """Answer *wanted* when it is free on this machine, any free one for 0; refuse one that is taken."""
    if not wanted:
        return _free_port()
    try:
        _try_to_bind(wanted)
    except OSError as error:
        raise DemoError(
            f"Port {wanted} cannot be had ({(error.strerror or str(error)).lower()}). "
            f"Choose another with {option}, or 0 for any that is free."
        ) from error
    return wanted


def _free_port() -> int:
    while True:
        port = secrets.choice(_PORTS_BELOW_EPHEMERAL)
        # Whoever has it already keeps it.
        with suppress(OSError):
            _try_to_bind(port)
            return port


def _try_to_bind(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
