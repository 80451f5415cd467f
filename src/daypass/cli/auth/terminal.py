"""The user's terminal, where sign-ins prompt: stdout carries credentials and stderr may be captured."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress


class Terminal:
    """An interactive terminal; `reads` is its file descriptor for input."""

    def __init__(self, reads: int, writes: int) -> None:
        self.reads, self._writes = reads, writes

    def show(self, text: str) -> None:
        """Write *text* to the terminal without a line break."""
        with suppress(OSError):
            os.write(self._writes, text.encode(errors="replace"))

    def read_line(self) -> str | None:
        """Return the next line of input, waiting for it; None if the terminal is closed."""
        try:
            line = os.read(self.reads, 4096)
        except OSError:
            return None
        return line.decode(errors="replace").strip() if line else None


def find(environment: Mapping[str, str]) -> Terminal | None:
    """Return the terminal of stdin and stderr, else the controlling terminal, as ssh and sudo do."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty():
        return Terminal(sys.stdin.fileno(), sys.stderr.fileno())
    # In CI a terminal device may be attached although no user can answer.
    if environment.get("CI"):
        return None
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            # A background job that reads from the terminal is stopped (SIGTTIN) and would never end.
            os.close(descriptor)
            return None
    except OSError:
        return None
    return Terminal(descriptor, descriptor)
