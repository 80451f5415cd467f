"""Writing a file without a rename or a hard link, for file systems that have none."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.cache import session_id
from daypass.cli.cache.files import UnsafeCacheFile
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Misconfigured

NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV)
"""Errors of link(2) on Android, FAT and some network file systems, which have no hard links."""

NO_RENAME = (errno.EBUSY, errno.EXDEV)
"""Errors of rename(2) onto a mount point, such as a single file mounted into a container."""

NO_NEIGHBOURS = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of creating a file in a read-only folder; the existing file may still be writable."""


def create(target: Path, content: bytes) -> bool:
    """Create *target* with the content, readable by its owner alone; return False if it exists."""
    try:
        descriptor = os.open(
            target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        # An incomplete file must not be read as a complete one.
        target.unlink(missing_ok=True)
        raise
    return True


def overwrite(target: Path, content: bytes, old: bytes, environment: Mapping[str, str]) -> None:
    """Write the content into the existing file, whose content is *old*.

    A crash can leave the file incomplete, so a backup of *old* is in our state folder until the write is
    complete. Raises `Misconfigured` if there can be no backup, and `OSError` if the file is not writable.
    """
    # Without O_TRUNC: the old content stays until the backup of it is complete.
    descriptor = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        backup = _write_backup(target, old, environment)
        try:
            _write(file.fileno(), content)
        except OSError as error:
            raise Misconfigured(
                f"{target} could not be written completely: {error.strerror}. Its old content is in {backup}."
            ) from error
    backup.unlink(missing_ok=True)


def _write(descriptor: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], written)
    # After writing, so that a reader never sees an empty file.
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)


def _write_backup(target: Path, content: bytes, environment: Mapping[str, str]) -> Path:
    try:
        folder = Path(session_id.folder(environment))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        backup = folder / f"{fingerprint(os.fsencode(target))}.backup"
        backup.unlink(missing_ok=True)
        create(backup, content)
    except (UnsafeCacheFile, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Misconfigured(
            f"{target} can only be overwritten, and no backup of it can be written first: {why}. "
            "Nothing was changed. DAYPASS_STATE_DIR names another folder for the backup."
        ) from error
    return backup
