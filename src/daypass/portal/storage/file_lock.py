"""A lock on a file, which the threads of any number of processes take in turn."""

import fcntl
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic


class FileLock:
    """A lock on a file (flock) with a timeout, held by one thread of one process.

    The system releases it when the process that holds it ends in any way.
    """

    def __init__(self, path: str, beside: str) -> None:
        """Open the lock file, or create it for the users who can write *beside*; raises `OSError`."""
        self.path = path
        self._descriptor = _open(path, beside)
        # Threads of this process wait for each other here, so at most one of them waits for the file.
        self._turn = threading.Lock()
        # The lock protects the attributes below.
        self._state = threading.Lock()
        self._is_held = False
        self._is_closed = False
        self._is_queued = False
        """Whether a thread of this process waits in the system's queue for the file."""
        self._is_wanted = False
        """Whether that thread leaves the lock to another one, which waits for `_answered`."""
        # A lock as a signal, acquired at the start: a `threading.Event` does the same with several.
        self._answered = threading.Lock()
        self._answered.acquire()

    def acquire(self, timeout: float) -> bool:
        """Acquire the lock; return False if it is not free within *timeout* seconds. Raises `OSError`."""
        ends_at = monotonic() + timeout
        if not self._turn.acquire(timeout=timeout):
            return False
        try:
            self._take(ends_at)
        except BaseException:
            self._give_back()
            raise
        if not self._is_held:
            self._turn.release()
            return False
        return True

    def release(self) -> None:
        """Release the lock, which this thread has acquired."""
        self._give_back()

    def close(self) -> None:
        """Close the file as soon as no thread holds the lock or waits for it."""
        with self._state:
            if not (self._is_closed or self._is_held or self._is_queued):
                os.close(self._descriptor)
            self._is_closed = True

    def _take(self, ends_at: float) -> None:
        with self._state:
            if self._is_closed:
                raise OSError(f"the lock file {self.path} is closed")
            # While a thread waits with the same descriptor, an attempt would take its place in the queue.
            if not self._is_queued:
                self._is_held = _lock_at_once(self._descriptor)
                if self._is_held:
                    return
                # flock has no timeout. The thread keeps its place in the queue if this one gives up.
                threading.Thread(target=self._queue, name="file-lock", daemon=True).start()
                self._is_queued = True
            self._is_wanted = True
        is_answered = False
        try:
            is_answered = self._answered.acquire(timeout=max(0.0, ends_at - monotonic()))
        finally:
            with self._state:
                if not is_answered and not self._is_wanted:
                    # The answer came just after the timeout, or this thread was interrupted.
                    self._answered.acquire()
                self._is_wanted = False

    def _queue(self) -> None:
        """Wait for the file, then leave the lock to the thread that wants it, or release it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            is_locked = True
        except OSError:
            # The next attempt reports the reason, because it begins without waiting.
            is_locked = False
        with self._state:
            self._is_queued = False
            if self._is_wanted:
                self._is_wanted = False
                self._is_held = is_locked
                self._answered.release()
            elif self._is_closed:
                os.close(self._descriptor)
            elif is_locked:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _give_back(self) -> None:
        with self._state:
            if self._is_held:
                self._is_held = False
                if self._is_closed:
                    os.close(self._descriptor)
                else:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._turn.release()


def _lock_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: str, beside: str) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        # Another process may create it at the same time.
        with suppress(FileExistsError):
            # With O_EXCL, so that the owner is never changed of a file that another user put here.
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
            break
    try:
        database = Path(beside).stat()
        # Only for users who can write the database: a user who can open the file can hold the lock, and so
        # keep every writer waiting.
        writers = stat.S_IMODE(database.st_mode) & 0o222
        os.fchmod(descriptor, writers | writers << 1)
        # A command that root runs must not lock the portal's own user out. SQLite does so for its journals.
        if os.geteuid() == 0:
            os.fchown(descriptor, database.st_uid, database.st_gid)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
