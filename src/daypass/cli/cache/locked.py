"""Locked, atomic access to cache files: concurrent processes call the portal once (single-flight)."""

import fcntl
import json
import os
from contextlib import suppress

from daypass.cli.cache import entries
from daypass.cli.cache.entries import Entry, UnsafeCacheFile
from daypass.cli.runtime.deadline import print_message, with_timeout
from daypass.cli.runtime.errors import Misconfigured, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNFINISHED_SUFFIX = ".new"
"""Suffix of a file that is being written, or whose writer was killed."""


class FileKind:
    """The suffix of a kind of cache file, its name in messages, and the lock's timeout with its messages."""

    __slots__ = ("label", "suffix", "timeout", "timeout_message", "waiting_message")

    def __init__(
        self, suffix: str, label: str, timeout: float, waiting_message: str, timeout_message: str
    ) -> None:
        self.suffix = suffix
        self.label = label
        # Seconds to wait for the lock: a little longer than its holder may take.
        self.timeout = timeout
        self.waiting_message = waiting_message
        self.timeout_message = timeout_message


KEYS = FileKind(
    entries.CREDENTIALS_SUFFIX,
    "keys",
    35.0,
    "waiting for another daypass that requests the same keys",
    "Another daypass waits for the portal and gets no answer. Try again.",
)


class CacheSlot:
    """The cache files of one key. As a context manager it holds an advisory lock (flock).

    The system releases the lock when its holder ends in any way. Raises `Unavailable` if the lock is not free
    within the kind's timeout.
    """

    def __init__(self, path: str, key: str, kind: FileKind = KEYS) -> None:
        os.makedirs(path, mode=0o700, exist_ok=True)
        self._path, self._key, self._kind = path, key, kind
        self._directory = entries.open_private_folder(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._lock = os.open(f"{key}.lock", flags, 0o600, dir_fd=self._directory.descriptor)

    def __enter__(self) -> None:
        kind = self._kind
        try:
            with_timeout(kind.timeout, lambda: fcntl.flock(self._lock, fcntl.LOCK_EX), kind.waiting_message)
        except TimeoutError as error:
            # The thread still waits in flock; with the file closed, it releases the lock once it gets it.
            self.__exit__()
            raise Unavailable(kind.timeout_message) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)
        self._directory.__exit__()

    def read(self, suffix: str = "") -> Entry | None:
        """Return the entry if it may be used; with *suffix*, that of another file of the same key."""
        name = suffix or self._kind.suffix
        try:
            return entries.read(self._directory, self._key, name)
        except ValueError as unfit:
            print_message(f"The file {self._path}/{self._key}{name} is ignored: {unfit}.")
            return None

    def write(self, entry: Entry, suffix: str = "") -> None:
        """Write *entry* atomically: a reader sees all of it or none, even if this process is killed.

        A failure is reported on stderr and not raised.
        """
        here = self._directory.descriptor
        unfinished = self._key + _UNFINISHED_SUFFIX
        try:
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=here)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(unfinished, flags, 0o600, dir_fd=here), "wb") as file:
                file.write(entry.to_bytes())
            name = self._key + (suffix or self._kind.suffix)
            os.rename(unfinished, name, src_dir_fd=here, dst_dir_fd=here)
        except OSError as error:
            print_message(f"The {self._kind.label} could not be stored in {self._path}: {error.strerror}.")

    def remove(self, suffix: str = "") -> None:
        """Remove the file, if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._key + (suffix or self._kind.suffix), dir_fd=self._directory.descriptor)


def cached_entries(environment: "Mapping[str, str]") -> list[Entry]:
    """Return all cached credentials that may be used; none if the cache folder must not be used."""
    try:
        directory = entries.open_private_folder(entries.folder(environment))
    except (UnsafeCacheFile, OSError):
        return []
    cached = []
    with directory:
        for name in sorted(os.listdir(directory.descriptor)):
            if name.endswith(entries.CREDENTIALS_SUFFIX):
                with suppress(ValueError):
                    cached.append(entries.read(directory, name.removesuffix(entries.CREDENTIALS_SUFFIX)))
    return [entry for entry in cached if entry is not None]


def discard(
    environment: "Mapping[str, str]", is_unwanted: "Callable[[dict[str, object]], bool]"
) -> list[str]:
    """Remove cached credentials whose metadata satisfies *is_unwanted*; return what they were for.

    Nothing is removed if the cache folder must not be used.
    """
    removed = []
    with (
        suppress(UnsafeCacheFile, OSError),
        entries.open_private_folder(entries.folder(environment)) as directory,
    ):
        for name in os.listdir(directory.descriptor):
            if not name.endswith(entries.CREDENTIALS_SUFFIX):
                continue
            # A file that another process removed, or that cannot be removed, must not stop the loop.
            with suppress(ValueError, OSError):
                entry = entries.read(directory, name.removesuffix(entries.CREDENTIALS_SUFFIX))
                about = {} if entry is None else json.loads(entry.about)
                if about and is_unwanted(about):
                    os.unlink(name, dir_fd=directory.descriptor)
                    removed.append(str(about.get("what", "")))
    return removed


def discard_other_access(
    environment: "Mapping[str, str]", origin: str, access: "Mapping[str, str]", user: str = ""
) -> None:
    """Remove cached credentials of the portal at *origin* whose access level is out of date.

    *access* maps the id of each tenant to the caller's current access. If *user* is given, only credentials
    of the user with this id are removed. Each removal is reported on stderr.
    """

    def is_outdated(about: dict[str, object]) -> bool:
        now = access.get(str(about.get("tenant")))
        # Credentials cached by an earlier version have no access in their metadata.
        is_theirs = about.get("portal") == origin and (not user or about.get("user") == user)
        return is_theirs and now is not None and about.get("access", now) != now

    for what in discard(environment, is_outdated):
        print_message(
            f"Your access to {what.removeprefix('tenant ')} has changed: its cached keys were removed."
        )


def clear(environment: "Mapping[str, str]", origin: str = "") -> int:
    """Remove all cached answers, or those of the portal at *origin*; return the number of credentials.

    Raises `Misconfigured` if the cache folder must not be used.
    """
    try:
        path = entries.folder(environment)
    except UnsafeCacheFile:
        # Without a home directory there is no cache.
        return 0
    try:
        directory = entries.open_private_folder(path)
    except FileNotFoundError:
        return 0
    except (UnsafeCacheFile, OSError) as error:
        raise Misconfigured(f"The cache {path} was not cleared: {error}.") from error
    with directory:
        # Lock files stay: after removing one, the next process would lock a new file while the old is held.
        names = os.listdir(directory.descriptor)
        cached = [
            name
            for name in names
            if name.endswith((entries.CREDENTIALS_SUFFIX, entries.NAMES, _UNFINISHED_SUFFIX))
        ]
        if origin:
            cached = [name for name in cached if _portal_of_file(directory, name) == origin]
        removed = 0
        for name in cached:
            # Another process may have removed it meanwhile.
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory.descriptor)
                removed += name.endswith(entries.CREDENTIALS_SUFFIX)
        return removed


def _portal_of_file(directory: entries.Directory, name: str) -> str:
    """Return the portal that a cached answer is from; "" if it cannot be determined."""
    try:
        key, dot, kind = name.rpartition(".")
        entry = entries.read(directory, key, dot + kind)
        if entry is None:
            return ""
        about = entry.about
        return about.decode() if name.endswith(entries.NAMES) else str(json.loads(about).get("portal", ""))
    except ValueError:
        return ""
