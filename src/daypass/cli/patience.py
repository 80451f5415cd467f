"""Waiting with an end: whatever the work does, the caller knows within a fixed time."""

import os
import sys
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")

DEBUG_VARIABLE = "DAYPASS_DEBUG"

_SILENCE = 1.0
"""How long, in seconds, nobody minds that nothing is said."""


class _Work(Thread, Generic[Result]):
    """Work in a thread that dies with the process, so that it can be left behind."""

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.result: Result
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do the work and keep its outcome."""
        try:
            self.result = self._work()
        except BaseException as error:  # raised again where somebody waits for it
            self.error = error


def within(seconds: float, work: Callable[[], Result], doing: str) -> Result:
    """What *work* returns or raises; TimeoutError when it takes longer. A terminal is told after a second."""
    thread = _Work(work)
    thread.start()
    thread.join(_SILENCE)
    if thread.is_alive():
        if sys.stderr.isatty():
            say(f"{doing} …")
        thread.join(seconds - _SILENCE)
    if thread.is_alive():
        raise TimeoutError
    if thread.error is not None:
        raise thread.error
    return thread.result


def note(sentence: str) -> None:
    """Tell whoever looks for a fault, and asked for it; a secret has no place here."""
    if os.environ.get(DEBUG_VARIABLE) == "1":
        say(sentence)


def say(sentence: str) -> None:
    """Tell the person; stdout belongs to the program that asked for keys."""
    sys.stderr.write(f"daypass: {sentence}\n")
    sys.stderr.flush()
