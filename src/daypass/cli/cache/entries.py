"""Cache files: one per request, readable by their owner only, and printed without being parsed.

A file has four lines: a format mark with the SHA-256 of the rest; the times of the request and of the end of
use, by this machine's clock; metadata as JSON; and the answer, ready to be printed.
"""

import os
import stat

from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = b"daypass-cache-1 "
_MAX_SIZE = 64 * 1024

CREDENTIALS_SUFFIX = ".keys"
"""Suffix of files that hold credentials."""

NAMES = ".tenants"
"""Suffix of files that hold the names of a portal's tenants."""

_OTHERS_PERMISSIONS = stat.S_IRWXG | stat.S_IRWXO


class UnsafeCacheFile(ValueError):
    """A folder or file that must not be used; the message is the reason."""


class Entry:
    """A cached answer, its metadata, and the period in which it is served, in seconds since 1970."""

    __slots__ = ("about", "answer", "asked_at", "good_until")

    def __init__(self, answer: bytes, about: bytes, asked_at: int, good_until: int) -> None:
        self.answer = answer
        self.about = about
        self.asked_at = asked_at
        self.good_until = good_until

    def __repr__(self) -> str:
        return f"Entry(***, asked_at={self.asked_at}, good_until={self.good_until})"

    def is_good(self, now: float) -> bool:
        """Return whether the answer may still be served."""
        # If the clock was set back to before the request, the remaining lifetime is unknown.
        return self.asked_at <= now < self.good_until

    def to_bytes(self) -> bytes:
        """Return the content of the entry's file."""
        body = b"%d %d\n%b\n%b" % (self.asked_at, self.good_until, self.about, self.answer)
        return _MARK + fingerprint(body).encode() + b"\n" + body

    @classmethod
    def from_bytes(cls, content: bytes) -> "Entry":
        """Read an entry from a file's content; raise `UnsafeCacheFile` if it is damaged."""
        head, _, body = content.partition(b"\n")
        if head != _MARK + fingerprint(body).encode():
            raise UnsafeCacheFile("it is damaged or cut short")
        times, about, answer = body.split(b"\n", 2)
        asked_at, good_until = times.split()
        # Earlier versions wrote the expiry with an offset, which the SDKs of some languages cannot parse.
        answer = answer.replace(b'+00:00"', b'Z"')
        return cls(answer, about, int(asked_at), int(good_until))


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


def read(directory: Directory, key: str, suffix: str = CREDENTIALS_SUFFIX) -> Entry | None:
    """Return the entry for *key*; None if there is none. Raises `UnsafeCacheFile` if it must not be used."""
    try:
        # Without NONBLOCK, opening a named pipe planted here would block forever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(key + suffix, flags, dir_fd=directory.descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        # For example ELOOP, which O_NOFOLLOW raises for a symbolic link.
        raise UnsafeCacheFile("it is not a plain file") from error
    try:
        status = os.fstat(descriptor)
        reason = _reason_not_private(status) or (
            "" if stat.S_ISREG(status.st_mode) else "it is not a plain file"
        )
        if reason:
            raise UnsafeCacheFile(reason)
        return Entry.from_bytes(os.read(descriptor, _MAX_SIZE))
    finally:
        os.close(descriptor)


def _reason_not_private(status: os.stat_result) -> str:
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if status.st_mode & _OTHERS_PERMISSIONS:
        return "others may read or write it"
    return ""
