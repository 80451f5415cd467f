"""Threads that wait for another transaction: the wait is observed, so that no test waits for a fixed time."""

import sys
import threading
from collections.abc import Callable
from types import FrameType

from sqlalchemy import text

from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.prepared import run_plain
from tests.waiting import wait_until

_WAITING = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE NOT l.granted AND d.datname = current_database()"
)


def start_blocked(act: Callable[[], object], database: Database) -> threading.Thread:
    """Run *act* in a thread; return once it waits for a transaction of the caller, and fail if it never does.

    The caller is inside that transaction, which on SQLite is one that writes.
    """
    thread = threading.Thread(target=act)
    with database.reading() as connection:
        thread.start()
        wait_until(lambda: not thread.is_alive() or _is_blocked(thread, connection))
    assert thread.is_alive(), "the thread did not wait for the transaction"
    return thread


def _is_blocked(thread: threading.Thread, connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        # SQLite shows no waiting writers. The caller has the lock that this statement needs.
        return _is_at(thread, run_plain, sql="BEGIN IMMEDIATE")
    return bool(connection.scalar(_WAITING))


def _is_at(thread: threading.Thread, function: Callable[..., object], **arguments: object) -> bool:
    """Return whether a thread is inside a call of *function* with these arguments."""
    assert thread.ident is not None
    frame: FrameType | None = sys._current_frames().get(thread.ident)
    while frame is not None:
        if frame.f_code is function.__code__ and arguments.items() <= frame.f_locals.items():
            return True
        frame = frame.f_back
    return False
