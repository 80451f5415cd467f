"""Reading of configuration files and of files with secrets."""

import os
import shlex
import stat
from dataclasses import dataclass, field
from errno import EAGAIN
from pathlib import Path

LARGEST = 256 * 1024
"""The most bytes that a file may have."""

_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH


class FileError(Exception):
    """A file cannot be used; the message is the rest of a sentence that begins with the path."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file, with its permissions when it was read."""

    data: bytes = field(repr=False)
    mode: int

    @property
    def is_exposed(self) -> bool:
        """Whether every user of the machine can read or change the file."""
        return bool(self.mode & _BY_OTHERS)


def read(path: Path) -> Content:
    """Return the content of a regular file, or of a device such as /dev/null; raises `FileError`."""
    try:
        # A pipe without a writer would block here, hence O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise FileError("cannot be read (not a valid path).") from error
    # Asked of the open file, so that it is the mode of the content, also behind symbolic links.
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
        os.close(descriptor)
        raise FileError("is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(LARGEST + 1)
        except OSError as error:
            raise FileError(f"cannot be read ({error.strerror}).") from error
    if data is None:
        # A terminal on which nothing was typed.
        raise FileError(f"cannot be read ({os.strerror(EAGAIN)}).")
    if len(data) > LARGEST:
        raise FileError(f"is larger than {LARGEST // 1024} KiB.")
    return Content(data, stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0)


def read_secret(path: Path) -> str:
    """Return the line in a file, without its end; raises `FileError`, also if every user can read it."""
    content = read(path)
    if content.is_exposed:
        raise FileError(f"has a secret, and {exposure(path, content)}")
    try:
        text = content.data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise FileError("is not UTF-8.") from error
    if not text:
        raise FileError("is empty.")
    if not text.isprintable():
        raise FileError("has more than one line, or characters that are not printable.")
    return text


def exposure(path: Path, content: Content) -> str:
    """Return the end of a sentence that says who can read a file, and the command that corrects it."""
    return (
        f"every user of this machine can read or change it (mode {content.mode:04o}). "
        f"Run: chmod o= {shlex.quote(str(path))}"
    )
