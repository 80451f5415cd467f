"""The state folder: everything the demo keeps, for its owner's eyes only."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daypass.demo.errors import DemoError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """A folder with mode 0700; what is written into it is whole, and has mode 0600."""

    path: Path

    def write(self, name: str, content: bytes) -> Path:
        """Put *content* into a file, all of it or nothing."""
        return write_private(self.path / name, content)

    def open_log(self, name: str) -> int:
        """A file descriptor to append to, for the output of a child process."""
        return os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)


def open_folder(path: Path, owner: int) -> StateDirectory:
    """Make the folder, or accept the one that is there when it belongs to *owner*, the user we run as."""
    path = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow the link that is refused below
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise DemoError(f"{path} is not a folder. Choose another with --dir.")
        if found.st_uid != owner:
            raise DemoError(f"{path} belongs to another user. Choose another folder with --dir.")
        path.chmod(PRIVATE_FOLDER)
        _try_to_write(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DemoError(f"{path} cannot be used ({reason}). Choose another folder with --dir.") from error
    return StateDirectory(path)


@contextmanager
def exclusive_lock(folder: StateDirectory) -> Iterator[None]:
    """Keep a second demo out of the same folder."""
    descriptor = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DemoError(
            f"Another demo is running in {folder.path}. Stop it first, or choose another folder with --dir."
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> Path:
    """Put *content* into a file with mode 0600, all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def _try_to_write(path: Path) -> None:
    write_private(path / "writable", b"").unlink()
