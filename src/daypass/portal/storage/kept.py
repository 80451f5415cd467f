"""Connections to SQLite, which stay open and at hand between two uses.

SQLAlchemy's pool lends each anew, and tidies it up twice, which costs many times what a read does.
PostgreSQL's go through that pool all the same: a server may be gone, and the pool finds that out.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from queue import Empty, LifoQueue

from sqlalchemy import Connection, Engine

from daypass.portal.errors import StorageUnavailable

BEGIN = "begin"
"""In a connection's `info`: how its transactions begin; empty where there is none."""


class KeptConnections:
    """So many connections of an engine that pools none itself, each for one thread at a time."""

    def __init__(self, engine: Engine, connections: int, patience: timedelta) -> None:
        self._engine = engine
        self._patience = patience.total_seconds()
        self._is_closed = False
        # The one used last has its statements and pages at hand; what was never opened lies below.
        self._free: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(connections):
            self._free.put(None)

    @contextmanager
    def lend(self, begin: str) -> Iterator[Connection]:
        """One of them, with no transaction open before or afterwards."""
        connection = self._take()
        try:
            if connection is None:
                connection = self._engine.connect()
            connection.info[BEGIN] = begin
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close those that nobody has; the others are closed when they come back."""
        self._is_closed = True
        # All of them first: what is given back lies on top, and would be taken again.
        idle = []
        with suppress(Empty):
            while True:
                idle.append(self._free.get_nowait())
        for connection in idle:
            self._give_back(connection)

    def _take(self) -> Connection | None:
        try:
            return self._free.get(timeout=self._patience)
        except Empty:
            raise StorageUnavailable("The portal's database is busy. Try again in a moment.") from None

    def _give_back(self, connection: Connection | None) -> None:
        kept = None
        try:
            if connection is None:
                return
            if self._is_closed or connection.invalidated:
                connection.close()
                return
            if connection.in_transaction():
                connection.rollback()
            # What COMMIT could not write may be left open, and SQLAlchemy leaves its end to the pool.
            driver = connection.connection.driver_connection
            if driver is not None and driver.in_transaction:
                driver.rollback()
            kept = connection
        finally:
            self._free.put(kept)
