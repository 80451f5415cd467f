"""The private cache: one file for each ask, readable by its owner alone, printed without being parsed.

An entry is four lines: a mark with the SHA-256 of all that follows; when it was asked for and until when it
is served, by this machine's clock; what it is about, as JSON; and the answer, ready to be printed.
"""

import os
import stat

from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = b"daypass-cache-1 "
_LARGEST = 64 * 1024

ENTRY = ".keys"
"""The end of the name of every file that holds keys."""

NAMES = ".tenants"
"""The end of the name of every file that holds the names of a portal's tenants."""

_PRIVATE_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class UnsafeCacheFile(ValueError):
    """A folder or an entry that must not be used, and why."""


class Entry:
    """A kept answer: what to print, what it is about, and the stretch of local time in which it is served."""

    __slots__ = ("about", "answer", "asked_at", "good_until")

    def __init__(self, answer: bytes, about: bytes, asked_at: int, good_until: int) -> None:
        self.answer = answer
        self.about = about
        self.asked_at = asked_at
        self.good_until = good_until

    def __repr__(self) -> str:
        return f"Entry(***, asked_at={self.asked_at}, good_until={self.good_until})"

    def is_good(self, now: float) -> bool:
        """Whether the answer may still be given out."""
        # A clock that was set back behind the asking says nothing about how much life is left.
        return self.asked_at <= now < self.good_until

    def to_bytes(self) -> bytes:
        """The entry as it lies in its file."""
        body = b"%d %d\n%b\n%b" % (self.asked_at, self.good_until, self.about, self.answer)
        return _MARK + fingerprint(body).encode() + b"\n" + body

    @classmethod
    def from_bytes(cls, content: bytes) -> "Entry":
        """The entry that *content* holds, whole and unchanged."""
        head, _, body = content.partition(b"\n")
        if head != _MARK + fingerprint(body).encode():
            raise UnsafeCacheFile("it is damaged or cut short")
        times, about, answer = body.split(b"\n", 2)
        asked_at, good_until = times.split()
        # Earlier versions wrote the end of keys with an offset, which the SDKs of some languages do not read.
        answer = answer.replace(b'+00:00"', b'Z"')
        return cls(answer, about, int(asked_at), int(good_until))


class Directory:
    """The cache's folder, held open, so that nobody can put another in its place."""

    __slots__ = ("descriptor",)

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def folder(environment: "Mapping[str, str]") -> str:
    """Return the cache's path: DAYPASS_CACHE_DIR, else a folder of ours in the user's cache folder.

    Raises `UnsafeCacheFile` where there is no home directory for it.
    """
    return own_folder(environment, "DAYPASS_CACHE_DIR", "XDG_CACHE_HOME", "~/.cache")


def own_folder(environment: "Mapping[str, str]", own: str, shared: str, usual: str) -> str:
    """Return the path in the variable *own*, else a folder of ours below *shared*, or in the *usual* place.

    Raises `UnsafeCacheFile` where that is in the home directory and there is none.
    """
    named, base, home = (environment.get(name, "").strip("\r\n") for name in (own, shared, "HOME"))
    if named and not named.startswith("~"):
        return named
    # The XDG specification: a relative path in its variables does not count.
    if not named and base.startswith("/"):
        return f"{base}/daypass"
    if not named and home.startswith("/"):
        return f"{home.rstrip('/')}{usual[1:]}/daypass"
    # A cached answer should not wait for this import.
    from daypass.common.home import expand_user

    path = expand_user(named or f"{usual}/daypass", environment)
    if path is None:
        raise UnsafeCacheFile(f"there is no home directory; set HOME or {own}")
    return path


def opened(path: str) -> Directory:
    """The folder at *path*, if it is the caller's and nobody else may look into it."""
    directory = Directory(path)
    why = _why_not_private(os.fstat(directory.descriptor))
    if why:
        os.close(directory.descriptor)
        raise UnsafeCacheFile(why)
    return directory


def read(directory: Directory, key: str, ending: str = ENTRY) -> Entry | None:
    """The entry kept under *key*; None if there is none; Unfit if there is one that must not be used."""
    try:
        # Without NONBLOCK, a pipe planted under this name would hold us for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(key + ending, flags, dir_fd=directory.descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        # ELOOP: a symbolic link.
        raise UnsafeCacheFile("it is not a plain file") from error
    try:
        found = os.fstat(descriptor)
        why = _why_not_private(found) or ("" if stat.S_ISREG(found.st_mode) else "it is not a plain file")
        if why:
            raise UnsafeCacheFile(why)
        return Entry.from_bytes(os.read(descriptor, _LARGEST))
    finally:
        os.close(descriptor)


def _why_not_private(found: os.stat_result) -> str:
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if found.st_mode & _PRIVATE_TO_OTHERS:
        return "others may read or write it"
    return ""
