"""Atomic changes of the AWS config file that do not lose concurrent changes by other programs."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from daypass.cli.awsconfig import in_place_write
from daypass.cli.cache.files import UnsafeCacheFile, folder
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Misconfigured, Unavailable

_MAX_ATTEMPTS = 20

Edit = Callable[[bytes], bytes]
"""A function from the old to the new content; it is called again after a concurrent change."""


def read(path: Path) -> bytes:
    """Return the content of the file; empty if it does not exist. Raises `Misconfigured`."""
    try:
        with _open(path) as file:
            return b"" if file is None else file.read()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from error


def change(path: Path, edit: Edit, environment: Mapping[str, str]) -> bool:
    """Apply *edit* to the file atomically; return whether the content changed.

    A symbolic link stays, and its target is changed. Raises `Misconfigured` if the write fails, and
    `Unavailable` if other programs change it all the time.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _exclusive_lock(target, environment):
            return _change(target, edit, environment)
    except OSError as error:
        raise _not_writable(target, f"cannot be written: {error.strerror}") from error


def _change(target: Path, edit: Edit, environment: Mapping[str, str]) -> bool:
    source: bytes | None = None
    for _ in range(_MAX_ATTEMPTS):
        with _open(target) as file:
            old = b"" if file is None else file.read()
            new = edit(old if source is None else source)
            if new == old:
                return source is not None
            is_replaced = _replace(target, new, file, old)
            if is_replaced is None and file is not None and _is_unchanged(target, file, old):
                in_place_write.overwrite(target, new, old, environment)
                return True
            if not is_replaced:
                continue
            # Another program may have written into the replaced file: its content is then edited again.
            source = None if file is None else _content(file)
            if source in (None, old):
                return True
    raise Unavailable(f"{target} is being changed by other programs all the time. Try again.")


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO | None]:
    """Open the file for reading; yield None if it does not exist."""
    try:
        # Opening a named pipe would block without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Misconfigured(f"{path} is not a regular file.")
        yield file


def _replace(target: Path, content: bytes, file: BinaryIO | None, old: bytes) -> bool | None:
    """Replace *target* by a new file; False after a concurrent change, None if it can only be overwritten."""
    try:
        new = _write_temporary(target, content, file)
    except OSError as error:
        if file is not None and error.errno in in_place_write.NO_NEIGHBOURS:
            return None
        raise
    try:
        return _install(new, target, file, old)
    except OSError as error:
        if file is None and error.errno in in_place_write.NO_LINKS:
            return in_place_write.create(target, content)
        if file is not None and error.errno in in_place_write.NO_RENAME:
            return None
        raise
    finally:
        new.unlink(missing_ok=True)


def _write_temporary(target: Path, content: bytes, old: BinaryIO | None) -> Path:
    """Write a temporary file with the content and the mode of the old file; return its path."""
    mode = 0o600
    if old is not None:
        status = os.fstat(old.fileno())
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != os.geteuid():
            raise _not_writable(target, "belongs to another user")
        if not mode & stat.S_IWUSR:
            raise _not_writable(target, "is read-only")
    new = target.with_name(f".{target.name}.{os.getpid()}.daypass")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    return new


def _not_writable(target: Path, why: str) -> Misconfigured:
    # Tools such as home-manager generate the file, so the profiles belong in their source.
    return Misconfigured(
        f"{target} {why}. Nothing was changed. If another program generates the file, --diff shows the lines "
        "to add there; AWS_CONFIG_FILE names another file for the profiles."
    )


def _install(new: Path, target: Path, file: BinaryIO | None, old: bytes) -> bool:
    """Move *new* to *target*; return False, without a change, if the content is no longer *old*."""
    if file is None:
        try:
            target.hardlink_to(new)
        except FileExistsError:
            return False
    elif _is_unchanged(target, file, old):
        new.rename(target)
    else:
        return False
    return True


def _is_unchanged(target: Path, file: BinaryIO, old: bytes) -> bool:
    """Return whether *target* is still the same file with the same content."""
    with suppress(FileNotFoundError):
        return os.path.samestat(target.stat(), os.fstat(file.fileno())) and _content(file) == old
    return False


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


@contextmanager
def _exclusive_lock(target: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Hold the lock that serializes daypass processes; it is in our cache folder, not in ~/.aws."""
    descriptor = _lock_file(target, environment)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock_file(target: Path, environment: Mapping[str, str]) -> int:
    try:
        locks = Path(folder(environment))
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{fingerprint(os.fsencode(target))}.lock"
        return os.open(locks / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (UnsafeCacheFile, OSError):
        # Without a home directory that can be written to, the folder of the file itself is locked.
        return os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
