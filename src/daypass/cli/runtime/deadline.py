"""Timeouts for blocking work, and messages on stderr."""

import os
import sys
from threading import Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

DEBUG_VARIABLE = "DAYPASS_DEBUG"

_PROGRESS_DELAY = 1.0
"""Seconds before a progress message is printed."""


def with_timeout(seconds: float, work: "Callable[[], Result]", doing: str) -> "Result":
    """Run *work* in a thread and return its result; raise TimeoutError after *seconds*.

    After one second the progress message *doing* is printed if stderr is a terminal.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again in the calling thread
            errors.append(error)

    # A daemon thread does not keep the process alive when it is abandoned.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(_PROGRESS_DELAY)
    if thread.is_alive():
        if sys.stderr is not None and sys.stderr.isatty():
            print_message(f"{doing[:1].upper()}{doing[1:]} …")
        thread.join(seconds - _PROGRESS_DELAY)
    if thread.is_alive():
        raise TimeoutError
    if errors:
        raise errors[0]
    return results[0]


def is_debugging() -> bool:
    """Return whether debug messages are enabled (DAYPASS_DEBUG=1)."""
    return os.environ.get(DEBUG_VARIABLE, "").strip() == "1"


def debug(sentence: str) -> None:
    """Print a debug message on stderr if enabled. The message must not contain secrets."""
    if is_debugging():
        print_message(sentence)


def print_message(sentence: str) -> None:
    """Print a message on stderr, because stdout carries credentials; write errors are ignored."""
    if sys.stderr is None:
        return
    # If stderr is closed or full, the exit code still reports the outcome.
    try:
        sys.stderr.write(f"daypass: {sentence}\n")
        sys.stderr.flush()
    except OSError:
        # At shutdown the interpreter would flush stderr again and change the exit code if that fails.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stderr.fileno())
