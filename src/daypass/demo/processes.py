"""Starting the demo's processes, waiting for them, and stopping them when the demo ends."""

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
"""Ports below the ephemeral range, from which another connection could take a port before the portal does."""
NOT_INHERITED = ("AWS_", "DAYPASS_", "DUPLO_")
"""Prefixes of variables that configure another AWS or portal, which the demo's processes must not use."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the demo, with the path of its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: str
    signals: SignalGuard

    @property
    def has_exited(self) -> bool:
        """Return whether the process has ended."""
        return self.process.poll() is not None

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Return when *is_ready* does; raises `DemoError` if the process ends first or after a timeout."""
        deadline = time.monotonic() + START_TIMEOUT
        while not is_ready():
            self.signals.check()
            if self.has_exited:
                raise DemoError(f"The {self.name} stopped while starting; {self.log} says why.")
            if time.monotonic() > deadline:
                raise DemoError(f"The {self.name} did not become ready; {self.log} may say why.")
            time.sleep(0.02)

    def stop(self) -> None:
        """Terminate the process, kill it after a timeout, and return when it has ended."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT)
        # The process leads a process group, so its own children are killed too.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class ProcessGroup:
    """The started processes; leaving the `with` block stops them in reverse order, without interruption."""

    def __init__(self, folder: StateDirectory, signals: SignalGuard) -> None:
        self._folder = folder
        self._signals = signals
        self._children: list[Child] = []

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start `daypass ARGUMENTS`, with its output in a log of the state folder."""
        return self._start(name, [str(DAYPASS), *arguments], environment)

    def start_module(self, name: str, module: str, arguments: Sequence[str]) -> Child:
        """Start `python -m MODULE ARGUMENTS`, with its output in a log of the state folder."""
        return self._start(name, [sys.executable, "-m", module, *arguments], {})

    def _start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        # An interruption between start and registration would leave a process running.
        with self._signals.shielded():
            # A file, because a pipe that is not read would block the process once it is full.
            file = f"{name.replace(' ', '-')}.log"
            log = self._folder.open_log(file)
            try:
                process = subprocess.Popen(  # noqa: S603  our own command
                    command,
                    env=inherited_environment() | dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # A session of its own keeps Ctrl-C from it; the demo stops the processes in order.
                    start_new_session=True,
                )
            finally:
                # The process has a descriptor of its own.
                os.close(log)
            child = Child(name, process, str(self._folder.path / file), self._signals)
            self._children.append(child)
        return child

    def exited_child(self) -> Child | None:
        """Return a process that ended by itself, or None."""
        return next((child for child in self._children if child.has_exited), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An interruption here would leave the remaining processes running.
        self._signals.disable()
        # The portal first, since it calls the AWS.
        for child in reversed(self._children):
            child.stop()


def inherited_environment() -> dict[str, str]:
    """Return this process's environment without variables that configure another AWS or portal."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}


def choose_port(wanted: int, option: str, taken: int = 0) -> int:
    """Return *wanted*, or a free port for 0; raises `DemoError` if *wanted* is in use, or is *taken*.

    Another server of the demo will use *taken*.
    """
    if not wanted:
        while (port := _free_port()) == taken:
            pass
        return port
    if wanted == taken:
        raise DemoError(f"Port {wanted} is used twice. Choose another with {option}, or 0 for a free one.")
    try:
        _try_to_bind(wanted)
    except OSError as error:
        raise DemoError(
            f"Port {wanted} cannot be used ({(error.strerror or str(error)).lower()}). "
            f"Choose another with {option}, or 0 for a free one."
        ) from error
    return wanted


def _free_port() -> int:
    while True:
        port = secrets.choice(_PORTS_BELOW_EPHEMERAL)
        # A port in use is skipped.
        with suppress(OSError):
            _try_to_bind(port)
            return port


def _try_to_bind(port: int) -> None:
    with socket.socket() as probe:
        # As the servers do: otherwise a port counts as used for a minute after an earlier demo (TIME_WAIT).
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
