"""Private files: their form on disk, and reading them safely. On the fast path, so imports must stay cheap.

A file has four lines: a format mark with the SHA-256 of the rest; the start and the end of its validity, in
seconds since 1970; a header; and the body. Header and body are defined by the record that the file holds:
`Credentials`, `StoredSession` and the others. The header holds what is needed without parsing the body.
"""

import os
import stat

from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar, Protocol, Self, TypeVar

    class Readable(Protocol):
        """A record that can be read from its file."""

        SUFFIX: ClassVar[str]

        @classmethod
        def from_file(cls, file: "CacheFile") -> Self | None:
            """Return the record in *file*; None if another version of Daypass wrote other fields.

            Raises ValueError if the content is not of this kind.
            """

    class Record(Readable, Protocol):
        """The content of one kind of file; `SUFFIX` ends the names of these files."""

        def to_file(self) -> "CacheFile":
            """Return the content of the record's file."""

    ReadableT = TypeVar("ReadableT", bound=Readable)

_MARK = b"daypass-cache-1 "
_MAX_SIZE = 64 * 1024

UNFINISHED_SUFFIX = ".new"
"""Suffix of a file that is being written, or whose writer was killed."""

NEVER = 2**40
"""The end of validity of a file that does not expire."""

_OTHERS_PERMISSIONS = stat.S_IRWXG | stat.S_IRWXO


class UnsafeCacheFile(ValueError):
    """A folder or file that must not be used; the message is the reason."""


class CacheFile:
    """The content of a file: the period in which it is valid, a header of one line, and a body."""

    __slots__ = ("body", "header", "valid_from", "valid_until")

    def __init__(self, valid_from: int, valid_until: int, header: bytes, body: bytes = b"") -> None:
        self.valid_from = valid_from
        self.valid_until = valid_until
        self.header = header
        self.body = body

    def to_bytes(self) -> bytes:
        """Return the bytes that are stored."""
        rest = b"%d %d\n%b\n%b" % (self.valid_from, self.valid_until, self.header, self.body)
        return _MARK + fingerprint(rest).encode() + b"\n" + rest

    @classmethod
    def from_bytes(cls, content: bytes) -> "CacheFile":
        """Parse the stored bytes; raise `UnsafeCacheFile` if they are damaged."""
        mark, _, rest = content.partition(b"\n")
        # The digest detects a file that is damaged or cut short, which a full disk or a crash leaves behind.
        if mark != _MARK + fingerprint(rest).encode():
            raise UnsafeCacheFile("it is damaged or cut short")
        times, header, body = rest.split(b"\n", 2)
        valid_from, valid_until = times.split()
        return cls(int(valid_from), int(valid_until), header, body)


class Directory:
    """An open folder. Files are opened relative to it, so that swapping the path has no effect."""

    __slots__ = ("descriptor",)

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def folder(environment: "Mapping[str, str]") -> str:
    """Return the cache's path: DAYPASS_CACHE_DIR, else a `daypass` folder in the user's cache folder.

    Raises `UnsafeCacheFile` if there is no home directory.
    """
    return own_folder(environment, "DAYPASS_CACHE_DIR", "XDG_CACHE_HOME", "~/.cache")


def own_folder(environment: "Mapping[str, str]", own: str, shared: str, default: str) -> str:
    """Return the path in the variable *own*, else a `daypass` folder below *shared* or below *default*.

    Raises `UnsafeCacheFile` if that is in the home directory and there is none.
    """
    named, base, home = (environment.get(name, "").strip("\r\n") for name in (own, shared, "HOME"))
    if named and not named.startswith("~"):
        return named
    # The XDG specification demands that relative paths in its variables are ignored.
    if not named and base.startswith("/"):
        return f"{base}/daypass"
    if not named and home.startswith("/"):
        return f"{home.rstrip('/')}{default[1:]}/daypass"
    # Imported here to keep it off the fast path of a cached answer.
    from daypass.common.home import expand_user

    path = expand_user(named or f"{default}/daypass", environment)
    if path is None:
        raise UnsafeCacheFile(f"there is no home directory; set HOME or {own}")
    return path


def open_private_folder(path: str) -> Directory:
    """Open the folder at *path*; raise `UnsafeCacheFile` if it is another user's or not private."""
    directory = Directory(path)
    reason = _reason_not_private(os.fstat(directory.descriptor))
    if reason:
        os.close(directory.descriptor)
        raise UnsafeCacheFile(reason)
    return directory


def read(directory: Directory, key: str, kind: "type[ReadableT]") -> "ReadableT | None":
    """Return the record of this kind for *key*; None if there is none that this version can read.

    Raises `UnsafeCacheFile` if the file must not be used, and ValueError if its content is of another kind.
    """
    file = read_file(directory, key + kind.SUFFIX)
    return None if file is None else kind.from_file(file)


def read_file(directory: Directory, name: str) -> CacheFile | None:
    """Return the content of a file of any kind; None if there is none.

    Raises `UnsafeCacheFile` if it must not be used.
    """
    try:
        # Without NONBLOCK, opening a named pipe planted here would block forever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=directory.descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        # For example ELOOP, which O_NOFOLLOW raises for a symbolic link.
        raise UnsafeCacheFile("it is not a plain file") from error
    try:
        # The open descriptor is checked, not the path, which another process could replace in between.
        status = os.fstat(descriptor)
        reason = _reason_not_private(status) or (
            "" if stat.S_ISREG(status.st_mode) else "it is not a plain file"
        )
        if reason:
            raise UnsafeCacheFile(reason)
        return CacheFile.from_bytes(os.read(descriptor, _MAX_SIZE))
    finally:
        os.close(descriptor)


def keys_in(directory: Directory, kind: "type[Readable]") -> list[str]:
    """Return the keys, in order, for which the directory holds a file of this kind."""
    names = sorted(os.listdir(directory.descriptor))
    return [name.removesuffix(kind.SUFFIX) for name in names if name.endswith(kind.SUFFIX)]


def _reason_not_private(status: os.stat_result) -> str:
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if status.st_mode & _OTHERS_PERMISSIONS:
        return "others may read or write it"
    return ""
