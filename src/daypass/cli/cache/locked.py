"""Locked, atomic access to private files: concurrent processes call the portal once (single-flight)."""

import fcntl
import os
from contextlib import suppress

from daypass.cli.cache import files
from daypass.cli.runtime.deadline import print_message, with_timeout
from daypass.cli.runtime.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from daypass.cli.cache.files import Directory, Readable, ReadableT, Record


class LockSettings:
    """The time to wait for a lock, in seconds, and the messages; *label* names the files' content in them."""

    __slots__ = ("label", "timeout", "timeout_message", "waiting_message")

    def __init__(self, label: str, timeout: float, waiting_message: str, timeout_message: str) -> None:
        self.label = label
        # A little longer than its holder may take.
        self.timeout = timeout
        self.waiting_message = waiting_message
        self.timeout_message = timeout_message


LOCK_SUFFIX = ".lock"


def open_lock(directory: "Directory", key: str) -> int:
    """Return the descriptor of a key's lock file, which is created if there is none.

    It is a file of its own: a lock on a file that `write` replaces would protect nothing.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(key + LOCK_SUFFIX, flags, 0o600, dir_fd=directory.descriptor)


class LockedFiles:
    """The files of one key, one for each kind of record. As a context manager it holds their lock (flock).

    The system releases the lock when its holder ends in any way. Raises `Unavailable` if the lock is not free
    within the timeout.
    """

    def __init__(self, path: str, key: str, settings: LockSettings) -> None:
        os.makedirs(path, mode=0o700, exist_ok=True)
        self._path, self._key, self._settings = path, key, settings
        self._directory = files.open_private_folder(path)
        self._lock = open_lock(self._directory, key)

    def __enter__(self) -> "LockedFiles":
        self._acquire()
        # `expiry` removes the lock of a finished job while it holds it; another process may have a new one.
        while not os.fstat(self._lock).st_nlink:
            os.close(self._lock)
            self._lock = open_lock(self._directory, self._key)
            self._acquire()
        return self

    def _acquire(self) -> None:
        settings = self._settings
        try:
            with_timeout(
                settings.timeout, lambda: fcntl.flock(self._lock, fcntl.LOCK_EX), settings.waiting_message
            )
        except TimeoutError as error:
            # The thread still waits in flock; with the file closed, it releases the lock once it gets it.
            self.__exit__()
            raise Unavailable(settings.timeout_message) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)
        self._directory.__exit__()

    def read(self, kind: "type[ReadableT]") -> "ReadableT | None":
        """Return the record of this kind; None if there is none, or if its file must not be used.

        The reason why a file is not used is reported on stderr.
        """
        try:
            return files.read(self._directory, self._key, kind)
        except ValueError as unfit:
            print_message(f"The file {self._path}/{self._key}{kind.SUFFIX} is ignored: {unfit}.")
            return None

    def write(self, record: "Record") -> None:
        """Store *record* atomically: a reader sees all of it or none, even if this process is killed.

        A failure is reported on stderr and not raised: what could not be stored can still be used once.
        """
        here = self._directory.descriptor
        unfinished = self._key + files.UNFINISHED_SUFFIX
        try:
            # An earlier holder of the lock may have been killed before its rename.
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=here)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(unfinished, flags, 0o600, dir_fd=here), "wb") as file:
                file.write(record.to_file().to_bytes())
            os.rename(unfinished, self._key + record.SUFFIX, src_dir_fd=here, dst_dir_fd=here)
        except OSError as error:
            print_message(
                f"The {self._settings.label} could not be stored in {self._path}: {error.strerror}."
            )

    def remove(self, kind: "type[Readable]") -> None:
        """Remove the file of this kind, if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._key + kind.SUFFIX, dir_fd=self._directory.descriptor)
