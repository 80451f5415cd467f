"""Administrative changes and what rests on them take turns, on any number of replicas.

Rules over many rows (the last Administrator, names that fence each other off), and settings that are not
there yet, have no row to lock. SQLite's writing transaction is such a turn already.
"""

from datetime import timedelta

from sqlalchemy import Connection

from daypass.portal.storage.prepared import run_plain

# Any number serves, as long as nobody else in that database locks by it.
_TURN = 0x44415941


def lock_exclusive(connection: Connection) -> None:
    """Wait for every other change, and for whatever rests on how things stand; read afterwards.

    What is read from here on stands until this transaction is over.
    """
    _run(connection, f"SELECT pg_advisory_xact_lock({_TURN})")


def lock_shared(connection: Connection) -> None:
    """Wait for a change that is being made; what is read from here on stands until this transaction is over.

    Many may hold off changes at once. To be called before a transaction locks any row: changes lock theirs
    after they took their turn.
    """
    _run(connection, f"SELECT pg_advisory_xact_lock_shared({_TURN})")


def limit_lock_waits(connection: Connection, longest: timedelta) -> None:
    """Make this transaction wait at most *longest* for any lock."""
    _run(connection, f"SET LOCAL lock_timeout = {longest // timedelta(milliseconds=1)}")


def _run(connection: Connection, statement: str) -> None:
    if connection.dialect.name != "sqlite":
        run_plain(connection, statement)
