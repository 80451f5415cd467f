"""Runs the `credential_process` of a profile with a time limit."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import Any

from botocore.credentials import ProcessProvider
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

TIME_LIMIT = 60.0
"""Seconds. botocore itself has no time limit."""


class CredentialProcesses:
    """Runs credential processes, and kills them at the time limit or on close; thread-safe."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False
        self._lock = threading.Lock()

    def take_over(self, session: Session) -> None:
        """Run the credential process of *session*'s profile here instead of in botocore."""
        # botocore calls `popen(...).communicate()` without a timeout, so its own class is passed one whose
        # `communicate` has one.
        provider = ProcessProvider(
            profile_name=session.get_config_variable("profile") or "default",
            load_config=lambda: session.full_config,
            popen=self._start,
        )
        # Before botocore's own provider, which is then not asked: both have the same profile.
        session.get_component("credential_provider").insert_before(ProcessProvider.METHOD, provider)

    def close(self) -> None:
        """Kill the running processes."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                _kill(process)

    def _start(self, command: list[str], **options: Any) -> "_Process":  # noqa: ANN401  Popen's own
        # A process group of its own, so that its children are killed with it.
        process = _Process(self, command, start_new_session=True, **options)
        with self._lock:
            self._running.add(process)
            # `close` may have run since the process was started.
            if self._is_closed:
                _kill(process)
        return process

    def finish(self, process: "_Process") -> tuple[bytes, bytes]:
        """Return the output of *process*; raises `CredentialRetrievalError` at the time limit."""
        try:
            # Popen's own method, since that of `_Process` calls this one.
            return subprocess.Popen.communicate(process, timeout=self._time_limit)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            # Only `wait`: `communicate` would wait for the pipe too, which a child outside the process group
            # may keep open.
            process.wait()
            raise CredentialRetrievalError(
                provider=ProcessProvider.METHOD, error_msg=f"no answer in {self._time_limit:.0f} s"
            ) from error
        finally:
            with self._lock:
                self._running.discard(process)


class _Process(subprocess.Popen[bytes]):
    """A process whose output is awaited with the time limit of its owner."""

    def __init__(self, owner: CredentialProcesses, command: list[str], **options: Any) -> None:  # noqa: ANN401  Popen's own
        super().__init__(command, **options)
        self._owner = owner

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:  # noqa: A002, ARG002  Popen's own
        """Return all output."""
        return self._owner.finish(self)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        # With `start_new_session` the id of the process is also that of its group.
        os.killpg(process.pid, signal.SIGKILL)
