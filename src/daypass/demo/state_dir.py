"""The demo's state folder, readable by its owner only."""

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
    """A folder with mode 0700, whose files have mode 0600 and are written atomically."""

    path: Path

    def write(self, name: str, content: bytes) -> Path:
        """Write a file atomically; return its path."""
        return write_private(self.path / name, content)

    def open_log(self, name: str) -> int:
        """Open a log for appending; return the file descriptor."""
        return os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)


def open_folder(path: Path, owner: int) -> StateDirectory:
    """Create the folder, or open an existing one; raises `DemoError` if *owner* does not own it."""
    path = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow the link that is refused below
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise DemoError(f"{path} is not a folder. Choose another with --dir.")
        if status.st_uid != owner:
            raise DemoError(f"{path} belongs to another user. Choose another folder with --dir.")
        # `mkdir` does not change the mode of an existing folder, and the umask may reduce that of a new one.
        path.chmod(PRIVATE_FOLDER)
        _try_to_write(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DemoError(f"{path} cannot be used ({reason}). Choose another folder with --dir.") from error
    return StateDirectory(path)


@contextmanager
def exclusive_lock(folder: StateDirectory) -> Iterator[None]:
    """Hold the folder's lock; raises `DemoError` if another demo holds it."""
    descriptor = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        # The system releases this lock when the demo dies; a file with a process id would remain.
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
    """Write a file with mode 0600 atomically; return its path."""
    # In the same folder, since a file can only be renamed atomically within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def _try_to_write(path: Path) -> None:
    write_private(path / "writable", b"").unlink()
