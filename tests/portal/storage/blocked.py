"""Threads that wait for another transaction: the wait is observed, so that no test waits for a fixed time."""

import sys
import threading
from collections.abc import Callable
from types import FrameType

from sqlalchemy import text

from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.file_lock import FileLock
from tests.waiting import wait_until

# A wait for a row is one for a transaction, which has no database in `pg_locks`.
_WAITING = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE NOT l.granted AND a.datname = current_database()"
)


def start_blocked(act: Callable[[], object], database: Database) -> threading.Thread:
    """Run *act* in a thread; return once it waits for a transaction of the caller, and fail if it never does.

    The caller is inside that transaction, which on SQLite is one that writes.
    """
    thread = threading.Thread(target=act)
    thread.start()
    await_blocked(thread, database)
    return thread


def await_blocked(thread: threading.Thread, database: Database) -> None:
    """Return once a running thread waits as `start_blocked` describes it; fail if it ends instead."""
    with database.reading() as connection:
        wait_until(lambda: not thread.is_alive() or _is_blocked(thread, connection))
    assert thread.is_alive(), "the thread did not wait for the transaction"


def is_inside(thread: threading.Thread, function: Callable[..., object], **arguments: object) -> bool:
    """Return whether a thread is inside a call of *function* with these arguments."""
    assert thread.ident is not None
    frame: FrameType | None = sys._current_frames().get(thread.ident)
    while frame is not None:
        if frame.f_code is function.__code__ and arguments.items() <= frame.f_locals.items():
            return True
        frame = frame.f_back
    return False


def _is_blocked(thread: threading.Thread, connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        # SQLite shows no waiting writers. The caller has the lock that all of them need.
        return is_inside(thread, FileLock.acquire)
    return bool(connection.scalar(_WAITING))
