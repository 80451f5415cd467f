"""The AWS config file on the disk: changed as a whole, and without losing what another writes meanwhile."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from daypass.cli.awsconfig import in_place_write
from daypass.cli.cache.entries import UnsafeCacheFile, folder
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Misconfigured, Unavailable

_MAX_ATTEMPTS = 20

Edit = Callable[[bytes], bytes]
"""From the content of the file to what it is to be; must be true again for whatever it finds there."""


def read(path: Path) -> bytes:
    """The file as it is; nothing where there is none."""
    try:
        with _open(path) as file:
            return b"" if file is None else file.read()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from error


def change(path: Path, edit: Edit, environment: Mapping[str, str]) -> bool:
    """Apply *edit* to the file, all of it or nothing; says whether that changed it.

    A symbolic link stays one: the file it leads to is changed. Raises `Misconfigured` with a sentence.
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
            found = b"" if file is None else file.read()
            wanted = edit(found if source is None else source)
            if wanted == found:
                return source is not None
            replaced = _replace(target, wanted, file, found)
            if replaced is None and file is not None and _is_unchanged(target, file, found):
                in_place_write.overwrite(target, wanted, found, environment)
                return True
            if not replaced:
                continue
            # Somebody may have written into the file that we just replaced: then theirs is where we start.
            source = None if file is None else _content(file)
            if source in (None, found):
                return True
    raise Unavailable(f"{target} is being changed by somebody else all the time. Try again.")


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO | None]:
    """The file, if there is one."""
    try:
        # Without NONBLOCK, a pipe in its place would hold us for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Misconfigured(f"{path} is not a plain file.")
        yield file


def _replace(target: Path, content: bytes, old: BinaryIO | None, found: bytes) -> bool | None:
    """Put a new file at *target*; False if another was faster, None if it can only be overwritten."""
    try:
        new = _write_temporary(target, content, old)
    except OSError as error:
        if old is not None and error.errno in in_place_write.NO_NEIGHBOURS:
            return None
        raise
    try:
        return _install(new, target, old, found)
    except OSError as error:
        if old is None and error.errno in in_place_write.NO_LINKS:
            return in_place_write.create(target, content)
        if old is not None and error.errno in in_place_write.NO_RENAME:
            return None
        raise
    finally:
        new.unlink(missing_ok=True)


def _write_temporary(target: Path, content: bytes, old: BinaryIO | None) -> Path:
    """A new file with that content, owner and mode of the old one, ready to take its place."""
    mode = 0o600
    if old is not None:
        found = os.fstat(old.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid != os.geteuid():
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
    # Tools such as home-manager generate the file; the profiles then belong into their source.
    return Misconfigured(
        f"{target} {why}. Nothing was changed. If another program generates the file, --diff shows the lines "
        "to add there; AWS_CONFIG_FILE names another file for the profiles."
    )


def _install(new: Path, target: Path, old: BinaryIO | None, found: bytes) -> bool:
    """Put *new* at *target*; says no, and leaves all as it is, if what we read is not there any more."""
    if old is None:
        try:
            target.hardlink_to(new)
        except FileExistsError:
            return False
    elif _is_unchanged(target, old, found):
        new.rename(target)
    else:
        return False
    return True


def _is_unchanged(target: Path, old: BinaryIO, found: bytes) -> bool:
    """Whether what is at *target* is still what we read."""
    with suppress(FileNotFoundError):
        return os.path.samestat(target.stat(), os.fstat(old.fileno())) and _content(old) == found
    return False


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


@contextmanager
def _exclusive_lock(target: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """One daypass at a time. The lock is in our own folder: a person's ~/.aws gets no litter."""
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
