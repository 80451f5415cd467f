"""Online backup of a SQLite database."""

import os
import shlex
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

from sqlalchemy.engine import URL

Report = Callable[[int, int], None]
"""A progress callback: bytes written so far, and the approximate total."""

_INTERVAL = 1.0
"""Seconds between two progress reports."""

_INSTRUCTIONS_PER_CHECK = 50_000
"""Instructions of SQLite's virtual machine between two checks of the clock; a few milliseconds."""

_BUSY_TIMEOUT = 30
"""The busy timeout in seconds."""


class BackupError(Exception):
    """The backup failed and left no file; the message says why."""


def back_up(source: Path, target: Path, report: Report) -> int:
    """Copy the database at *source* to the new file *target*; return its size in bytes.

    The copy is a snapshot; concurrent writers neither wait for it nor restart it. *target* appears once it
    is complete, verified and synced to disk, and only its owner can read it. Raises `BackupError`.
    """
    if not source.is_file():
        raise BackupError(f"There is no database at {source}.")
    _refuse_existing(target)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise BackupError(f"Cannot write to {target.parent}: {error.strerror}.") from error
    # VACUUM INTO writes to an existing file if it is empty, so the copy is private from the beginning.
    os.close(descriptor)
    partial = Path(name)
    try:
        _copy(source, partial, report)
        _check(partial)
        # SQLite does not sync what VACUUM INTO writes.
        _sync(partial)
        _publish(partial, target)
        _sync(target.parent)
        return target.stat().st_size
    except sqlite3.Error as error:
        raise BackupError(f"The backup of {source} to {target} failed: {error}.") from error
    except OSError as error:
        raise BackupError(f"The backup of {source} to {target} failed: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def pg_dump_command(url: URL, file: Path) -> str:
    """Return a pg_dump command for *url*, without the password: pg_dump prompts or reads ~/.pgpass."""
    # URL.set() cannot remove a password: it ignores None.
    plain = url.set(drivername="postgresql")._replace(password=None)
    plain = plain.difference_update_query(["password", "sslpassword"])
    dsn = plain.render_as_string(hide_password=False)
    return f"pg_dump --format=custom --file={shlex.quote(str(file))} {shlex.quote(dsn)}"


def _copy(source: Path, partial: Path, report: Report) -> None:
    # With mode=rw SQLite does not create the database if it has been removed meanwhile.
    uri = f"{source.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT)) as database:
        (expected,) = database.execute(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        ).fetchone()
        next_report = monotonic() + _INTERVAL

        def progress() -> int:
            nonlocal next_report
            if monotonic() >= next_report:
                report(partial.stat().st_size, expected)
                next_report = monotonic() + _INTERVAL
            return 0

        database.set_progress_handler(progress, _INSTRUCTIONS_PER_CHECK)
        database.execute("VACUUM INTO ?", (str(partial),))


def _check(partial: Path) -> None:
    # An immutable database gets no files for locks and a journal beside it.
    uri = f"{partial.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise BackupError(f"The copy is damaged and was removed: {result}.")


def _publish(partial: Path, target: Path) -> None:
    try:
        # Unlike a rename, a link fails if the target has appeared meanwhile.
        os.link(partial, target)
    except FileExistsError:
        _refuse_existing(target)
        raise
    except OSError:
        # The file system does not support hard links.
        _refuse_existing(target)
        partial.rename(target)


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise BackupError(f"{target} exists, and is not overwritten. Choose another name.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
