"""Waiting with an end: whatever the work does, the caller knows within a fixed time."""

import os
import sys
from threading import Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

DEBUG_VARIABLE = "DAYPASS_DEBUG"

_SILENCE = 1.0
"""How long, in seconds, nobody minds that nothing is said."""


def with_timeout(seconds: float, work: "Callable[[], Result]", doing: str) -> "Result":
    """What *work* returns or raises; TimeoutError when it takes longer. A terminal is told after a second."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again where somebody waits for it
            errors.append(error)

    # It dies with the process, so that it can be left behind.
    thread = Thread(target=do, daemon=True)
    thread.start()
    thread.join(_SILENCE)
    if thread.is_alive():
        if sys.stderr is not None and sys.stderr.isatty():
            print_message(f"{doing[:1].upper()}{doing[1:]} …")
        thread.join(seconds - _SILENCE)
    if thread.is_alive():
        raise TimeoutError
    if errors:
        raise errors[0]
    return results[0]


def is_debugging() -> bool:
    """Whether what happens is to be said on stderr."""
    return os.environ.get(DEBUG_VARIABLE, "").strip() == "1"


def debug(sentence: str) -> None:
    """Tell whoever looks for a fault, and asked for it; a secret has no place here."""
    if is_debugging():
        print_message(sentence)


def print_message(sentence: str) -> None:
    """Tell the person; stdout belongs to the program that asked for keys."""
    if sys.stderr is None:
        return
    # The exit code still tells what happened if stderr is closed or full.
    try:
        sys.stderr.write(f"daypass: {sentence}\n")
        sys.stderr.flush()
    except OSError:
        # The interpreter would write it again at its end, and change the exit code if it cannot.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stderr.fileno())
