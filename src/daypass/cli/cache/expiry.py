"""Removal of what finished jobs left in the cache: expired tokens and keys, and the locks of both.

The files of a job have names of their own, so a machine that runs many jobs would keep all of them.
"""

import fcntl
import os
from contextlib import suppress

from daypass.cli.cache import files
from daypass.cli.cache.credentials import Credentials
from daypass.cli.cache.locked import LOCK_SUFFIX, open_lock
from daypass.cli.cache.workload_token import WorkloadToken
from daypass.cli.runtime.digest import fingerprint

_KEY = frozenset("0123456789abcdef")
_EXPIRING = (WorkloadToken.SUFFIX, Credentials.SUFFIX)

_KEPT_FOR = 24 * 60 * 60
"""Seconds for which an expired file and an unused lock are kept, so that clocks that differ do no harm."""


def remove_expired(directory: files.Directory, now: float) -> None:
    """Remove the tokens and keys that expired a day ago, and as old locks without files and unfinished files.

    A key whose lock another process holds is left alone, as is every file that cannot be read or removed.
    """
    by_key: dict[str, list[str]] = {}
    with suppress(OSError):
        for name in os.listdir(directory.descriptor):
            key = name.partition(".")[0]
            # The folder may be one that the user named, with files of others.
            if _KEY.issuperset(key) and len(key) == len(fingerprint(b"")):
                by_key.setdefault(key, []).append(name)
    for key, names in by_key.items():
        with suppress(OSError):
            if any(_is_over(directory, name, now) for name in names):
                _remove(directory, key, names, now)


def _remove(directory: files.Directory, key: str, names: list[str], now: float) -> None:
    lock, own_lock = open_lock(directory, key), key + LOCK_SUFFIX
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(lock).st_nlink:
            # Another process removed it meanwhile, and a file of that name is another lock.
            return
        # Judged again under the lock: a process that held it may have replaced the files.
        for name in names:
            if name != own_lock and _is_over(directory, name, now):
                os.unlink(name, dir_fd=directory.descriptor)
        left = {name for name in os.listdir(directory.descriptor) if name.startswith(f"{key}.")}
        if left == {own_lock}:
            # A process that waits for this lock sees that its file is gone, and opens a new one.
            os.unlink(own_lock, dir_fd=directory.descriptor)
    finally:
        os.close(lock)


def _is_over(directory: files.Directory, name: str, now: float) -> bool:
    if name.endswith((LOCK_SUFFIX, files.UNFINISHED_SUFFIX)):
        # Nothing is written to a lock, so this is the time of its creation. The other one is of a process
        # that was killed while it wrote.
        return os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False).st_mtime < now - _KEPT_FOR
    if not name.endswith(_EXPIRING):
        return False
    try:
        file = files.read_file(directory, name)
    except ValueError:
        return False
    return file is not None and file.valid_until < now - _KEPT_FOR
