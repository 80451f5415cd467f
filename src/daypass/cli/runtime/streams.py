"""Handling of a standard output that is closed, full, or cannot encode every character."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from daypass.cli.runtime.errors import Unwritable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(io.BufferedWriter):
    """Standard output whose write errors are raised as `Unwritable`.

    The conversion is not in the raw stream, because an exception raised by a signal handler inside the raw
    `write` would make the buffer write the same bytes twice.
    """

    def write(self, content: "ReadableBuffer", /) -> int:
        with _convert_errors():
            return super().write(content)

    def flush(self) -> None:
        with _convert_errors():
            super().flush()


@contextmanager
def _convert_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # The reader has ended, as `head` does: that is no failure, and ends the command silently.
        raise
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> Unwritable:
    """Return the refusal for a failed write to standard output."""
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return Unwritable(f"Standard output cannot be written: {reason}.")


@contextmanager
def careful_output() -> Iterator[None]:
    """Replace `sys.stdout` by one that escapes unencodable characters and raises errors as `Unwritable`.

    If it was replaced already, for example by a test runner, only the escaping is configured.
    """
    original = sys.stdout
    if original is not None and original is not sys.__stdout__:
        _escape(original)
        yield
        return
    is_terminal = os.isatty(1)
    wrapper = io.TextIOWrapper(
        _Output(io.FileIO(1, "w", closefd=False)),
        encoding="utf-8" if original is None else original.encoding,
        errors="backslashreplace",
        line_buffering=is_terminal,
    )
    sys.stdout = wrapper
    try:
        yield
        wrapper.flush()
    finally:
        sys.stdout = original
        _detach(wrapper)


def carries_unicode() -> bool:
    """Return whether standard output can encode every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").startswith("utf")


def _escape(stream: object) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _detach(stream: io.TextIOWrapper) -> None:
    """Drop unwritten output; the garbage collector would otherwise retry and print an error on stderr."""
    with suppress(OSError, Unwritable, ValueError):
        stream.detach()
