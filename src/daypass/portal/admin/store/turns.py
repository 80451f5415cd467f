"""One administrative change at a time, on any number of replicas."""

from sqlalchemy import Connection, func, select

# Any number serves, as long as nobody else in that database locks by it.
_TURN = 0x44415941

_TAKE = select(func.pg_advisory_xact_lock(_TURN))


def take_turn(connection: Connection) -> None:
    """Wait for every other administrative change; what is read from here on stands until the commit.

    Rules over many rows (the last Administrator, names that fence each other off) have no row to lock.
    SQLite's writing transaction is such a turn already.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_TAKE)
