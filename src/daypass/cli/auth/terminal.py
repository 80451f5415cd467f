"""The person's terminal: where a sign-in talks, since stdout belongs to keys and stderr may be captured."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress


class Terminal:
    """A terminal that somebody sits at."""

    def __init__(self, reads: int, writes: int) -> None:
        self.reads, self._writes = reads, writes

    def say(self, text: str) -> None:
        """Show *text* as it is."""
        with suppress(OSError):
            os.write(self._writes, text.encode(errors="replace"))

    def line(self) -> str | None:
        """What was typed, once something was; None when the terminal is gone."""
        try:
            typed = os.read(self.reads, 4096)
        except OSError:
            return None
        return typed.decode(errors="replace").strip() if typed else None


def find(environment: Mapping[str, str]) -> Terminal | None:
    """The terminal, if there is one: ours, or behind the program that runs us, as ssh and sudo find it."""
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty():
        return Terminal(sys.stdin.fileno(), sys.stderr.fileno())
    # A build's log may hang on a terminal device that nobody sits at.
    if environment.get("CI"):
        return None
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            # A background job that reads from the terminal is stopped by it, and would never end.
            os.close(descriptor)
            return None
    except OSError:
        return None
    return Terminal(descriptor, descriptor)
