"""The signals that stop the demo: heard at once, at a safe moment, and never lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals by which the demo is stopped, in whatever way."""


class SignalGuard:
    """Whether somebody asked the demo to stop, and when it may be interrupted. For the main thread only.

    The first signal raises `KeyboardInterrupt` wherever the demo is. Python drops what is raised in some
    places, as in the callbacks of an import: so it is remembered too, and raised again wherever somebody
    heeds it. More signals say nothing new, and do not disturb the ending.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        self._may_interrupt = True

    def listen(self) -> None:
        """Take the signals from now on. A shell that starts the demo in the background has SIGINT ignored."""
        for number in STOPPING:
            signal.signal(number, self._on_signal)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if somebody asked, unless it is put off."""
        if self._is_stopping and self._may_interrupt:
            raise KeyboardInterrupt

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Let nothing be interrupted until the block is left."""
        self._may_interrupt = False
        try:
            yield
        finally:
            self._may_interrupt = True
        self.check()

    def disable(self) -> None:
        """Let nothing be interrupted any more: what is left is done within moments, and has to be done."""
        self._may_interrupt = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self.check()
