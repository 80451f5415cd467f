"""Handling of the signals that stop the demo, with sections that they do not interrupt."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that stop the demo."""


class SignalGuard:
    """The handler of stop signals. For the main thread only.

    The first signal raises `KeyboardInterrupt`. Python drops exceptions that are raised in some places, such
    as callbacks of an import, so the signal is also recorded and raised again by `check`. Further signals are
    ignored, so that they do not interrupt the shutdown.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        self._may_interrupt = True

    def listen(self) -> None:
        """Install the handlers, also for SIGINT, which a shell ignores for a process in the background."""
        for number in STOPPING:
            signal.signal(number, self._on_signal)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has arrived, unless interruptions are disabled."""
        if self._is_stopping and self._may_interrupt:
            raise KeyboardInterrupt

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Defer the interruption to the end of the block."""
        self._may_interrupt = False
        try:
            yield
        finally:
            self._may_interrupt = True
        self.check()

    def disable(self) -> None:
        """Disable interruptions for good, for a shutdown that must be completed."""
        self._may_interrupt = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self.check()
