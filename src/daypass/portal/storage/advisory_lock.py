"""An advisory lock that serializes administrative changes across all replicas.

Rules over many rows (at least one Administrator, tenant names that do not overlap) and settings that are not
stored yet have no row to lock. SQLite needs no such lock, because it has one writing transaction at a time.
"""

from datetime import timedelta

from sqlalchemy import Connection

from daypass.portal.storage.prepared import run_plain

# An arbitrary number that no other lock in the database uses.
_LOCK_KEY = 0x44415941


def lock_exclusive(connection: Connection) -> None:
    """Acquire the lock for an administrative change, until the transaction ends.

    Waits for every other holder. No other change can invalidate what the transaction reads afterwards.
    """
    _run(connection, f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


def lock_shared(connection: Connection) -> None:
    """Acquire the lock for a transaction that depends on administrative data, until it ends.

    Many transactions can share it. To avoid a deadlock, call it before locking any row, because changes lock
    their rows after this lock.
    """
    _run(connection, f"SELECT pg_advisory_xact_lock_shared({_LOCK_KEY})")


def limit_lock_waits(connection: Connection, lock_timeout: timedelta) -> None:
    """Set the lock timeout of this transaction."""
    _run(connection, f"SET LOCAL lock_timeout = {lock_timeout // timedelta(milliseconds=1)}")


def _run(connection: Connection, statement: str) -> None:
    if connection.dialect.name != "sqlite":
        run_plain(connection, statement)
