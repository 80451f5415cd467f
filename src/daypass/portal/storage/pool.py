"""How connections are lent: for a read, for one transaction, or for long reads of one moment."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.pooler import limit_waits
from daypass.portal.storage.prepared import run_plain
from daypass.portal.storage.timeouts import Allowance


class PostgresConnectionPool:
    """Connections to PostgreSQL, from SQLAlchemy's pool: it finds out when the server was gone.

    Each waits at most *patience* for one answer of the server; one for long reads waits *long_patience*.
    """

    def __init__(
        self, engine: Engine, lock_timeout: timedelta, patience: timedelta, long_patience: timedelta
    ) -> None:
        self._lock_timeout = lock_timeout
        self._short = Allowance(per_wait=patience.total_seconds())
        self._long = Allowance(per_wait=long_patience.total_seconds())
        self._writing = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshot = engine.execution_options(isolation_level="REPEATABLE READ")

    def reading(self) -> AbstractContextManager[Connection]:
        """One of them, without a transaction."""
        return _lend(self._reading.connect(), self._short)

    @contextmanager
    def writing(self, allowance: Allowance | None = None) -> Iterator[Connection]:
        """One of them in a transaction, committed at the end, rolled back on an exception."""
        with _lend(self._writing.begin(), allowance or self._short) as connection:
            limit_waits(connection, self._lock_timeout)
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One of them in a transaction that sees one moment throughout, and changes nothing."""
        with _lend(self._snapshot.connect(), self._long) as connection:
            limit_waits(connection, self._lock_timeout)
            yield connection

    def close(self) -> None:
        """Close them all."""
        self._writing.dispose()


@contextmanager
def _lend(borrowed: AbstractContextManager[Connection], allowance: Allowance) -> Iterator[Connection]:
    with borrowed as connection:
        # A `WatchedConnection`: the engine opens no other.
        driver: Any = connection.connection.driver_connection
        driver.allowance = allowance
        yield connection


class SqliteConnectionPool:
    """Connections to SQLite, which stay open and at hand between two uses, each for one thread at a time.

    SQLAlchemy's pool lends each anew, and tidies it up twice, and its transactions cost several times what
    SQLite's do. The engine pools none itself.
    """

    def __init__(self, engine: Engine, connections: int, patience: timedelta) -> None:
        self._engine = engine
        self._patience = patience.total_seconds()
        self._is_closed = False
        # The one used last has its statements and pages at hand; what was never opened lies at the other end.
        self._free: deque[Connection | None] = deque([None] * connections)
        self._return = threading.Condition()
        self._waiting = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One of them, with no transaction open before or afterwards."""
        connection = self._take()
        try:
            if connection is None:
                connection = self._engine.connect()
            yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self, _allowance: Allowance | None = None) -> Iterator[Connection]:
        """One of them in a transaction, committed at the end, rolled back on an exception."""
        # SQLite's own busy timeout bounds the wait for other writers.
        with self.reading() as connection:
            run_plain(connection, "BEGIN IMMEDIATE")
            yield connection
            run_plain(connection, "COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One of them in a transaction that sees one moment throughout, and changes nothing."""
        with self.reading() as connection:
            run_plain(connection, "BEGIN")
            yield connection

    def close(self) -> None:
        """Close those that nobody has; the others are closed when they come back."""
        self._is_closed = True
        # All of them first: what is given back lies on top, and would be taken again.
        idle = []
        with suppress(IndexError):
            while True:
                idle.append(self._free.pop())
        for connection in idle:
            self._give_back(connection)

    def _take(self) -> Connection | None:
        try:
            return self._free.pop()
        except IndexError:
            return self._await()

    def _await(self) -> Connection | None:
        """The first that comes back and that nobody else takes."""
        end = monotonic() + self._patience
        with self._return:
            self._waiting += 1
            try:
                # Whoever takes without waiting may be quicker.
                while self._return.wait_for(lambda: bool(self._free), end - monotonic()):
                    with suppress(IndexError):
                        return self._free.pop()
            finally:
                self._waiting -= 1
        raise StorageUnavailable("The portal's database is busy. Try again in a moment.")

    def _give_back(self, connection: Connection | None) -> None:
        kept = None
        try:
            if connection is None:
                return
            if self._is_closed or connection.invalidated:
                connection.close()
                return
            # Once it ran a statement, SQLAlchemy believes in a transaction, which we have ended or not.
            if connection.in_transaction():
                connection.rollback()
            driver = connection.connection.driver_connection
            if driver is not None and driver.in_transaction:
                driver.rollback()
            kept = connection
        finally:
            self._free.append(kept)
            if self._waiting:
                with self._return:
                    self._return.notify()
