"""Forked processes for tests, which save the start of Python and the imports."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

PROCESSES = get_context("forkserver")
"""Forks from a server process that has the imports but no threads, so that no held lock is copied."""

PROCESSES.set_forkserver_preload(
    [
        "__main__",
        "tests.portal.audit.writer",
        "daypass.cli.app",
        "daypass.portal.app",
        "daypass.portal.commands.group",
        "daypass.portal.commands.serve_generations",
        "daypass.portal.server.http_server",
        "daypass.portal.storage.migrate",
    ]
)


class Forked:
    """A command in a forked process, with the interface of `Popen`."""

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        home: Path,
        ready: "Connection[object, object] | None" = None,
    ) -> None:
        """Run `daypass WORDS` with `typed`, `out` and `err` of *home* as its standard files.

        If *ready* is given, it gets `--ready-fd` for it.
        """
        self._process = PROCESSES.Process(target=_run, args=(words, environment, home, ready))
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, patience: float) -> int:
        """Wait for the end, and return the exit code."""
        self._process.join(patience)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("daypass", patience)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


def _run(
    words: Sequence[str],
    environment: Mapping[str, str],
    home: Path,
    ready: "Connection[object, object] | None",
) -> None:
    """Become `daypass WORDS`, and never return."""
    from daypass.main import main

    os.setsid()
    os.chdir(home)
    for name, flags, standard in (
        ("typed", os.O_RDONLY | os.O_CREAT, sys.stdin),
        ("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, sys.stdout),
        ("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, sys.stderr),
    ):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, standard.fileno())
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    if ready is not None:
        words = [*words, "--ready-fd", str(os.dup(ready.fileno()))]
        ready.close()
    sys.argv = ["daypass", *words]
    sys.exit(main())
