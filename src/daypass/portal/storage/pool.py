"""Connection pools for PostgreSQL and SQLite."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import QueuePool

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.file_lock import FileLock
from daypass.portal.storage.pooler import limit_waits
from daypass.portal.storage.prepared import run_plain
from daypass.portal.storage.timeouts import Allowance
from daypass.portal.telemetry.metrics import DATABASE_ERRORS

_BUSY = "The portal's database is busy. Try again in a moment."


class PostgresConnectionPool:
    """A pool of connections to PostgreSQL, on top of SQLAlchemy's pool with its pre-ping.

    A connection waits at most *patience* for one answer of the server, or *long_patience* in a snapshot.
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
        """Lend a connection in autocommit mode."""
        return _lend(self._reading.connect, self._short)

    @contextmanager
    def writing(self, allowance: Allowance | None = None) -> Iterator[Connection]:
        """Lend a connection in a transaction, committed at the end and rolled back on an exception."""
        with _lend(self._writing.begin, allowance or self._short) as connection:
            limit_waits(connection, self._lock_timeout)
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection in a read-only transaction that sees one snapshot."""
        with _lend(self._snapshot.connect, self._long) as connection:
            limit_waits(connection, self._lock_timeout)
            yield connection

    def usage(self) -> tuple[int, int]:
        """Return the size of the pool, and the number of its connections in use."""
        pool = self._writing.pool
        # The engine opens PostgreSQL with this class of pool only.
        assert isinstance(pool, QueuePool)  # noqa: S101  for the type checker
        return pool.size(), pool.checkedout()

    def close(self) -> None:
        """Close all connections."""
        self._writing.dispose()


@contextmanager
def _lend(
    borrow: Callable[[], AbstractContextManager[Connection]], allowance: Allowance
) -> Iterator[Connection]:
    with borrow() as connection:
        # The engine opens every connection as a `WatchedConnection`.
        driver: Any = connection.connection.driver_connection
        driver.allowance = allowance
        yield connection


class SqliteConnectionPool:
    """A pool of open connections to SQLite, each used by one thread at a time.

    It replaces SQLAlchemy's pool and transactions, whose overhead is several times the cost of SQLite itself.
    """

    def __init__(self, engine: Engine, connections: int, patience: timedelta) -> None:
        self._engine = engine
        self._size = connections
        self._patience = patience.total_seconds()
        self._is_closed = False
        # Used as a stack: the connection used last has warm caches. None stands for one not opened yet.
        self._free: deque[Connection | None] = deque([None] * connections)
        self._released = threading.Condition()
        self._waiting = 0
        self._lock: FileLock | None = None

    def reading(self) -> AbstractContextManager[Connection]:
        """Lend a connection without a transaction."""
        return _SqliteLease(self)

    def writing(self, _allowance: Allowance | None = None) -> AbstractContextManager[Connection]:
        """Lend a connection in a transaction, committed at the end and rolled back on an exception."""
        return _SqliteWriteLease(self)

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Lend a connection in a read-only transaction that sees one snapshot."""
        return _SqliteLease(self, begin="BEGIN")

    def lock(self, connection: Connection) -> FileLock | None:
        """Acquire the lock of all writers of this database, in any process; the caller releases it.

        Returns None for a database in memory. Raises `StorageUnavailable` if the lock is not free in time.
        """
        lock = self._lock or self._open_lock(connection)
        if lock is None:
            return None
        try:
            if lock.acquire(self._patience):
                return lock
        except OSError as error:
            raise _unusable(lock.path, error) from error
        DATABASE_ERRORS.count("lock_timeout")
        raise StorageUnavailable(_BUSY, f"Another writer has held {lock.path} for {self._patience:g} seconds")

    def _open_lock(self, connection: Connection) -> FileLock | None:
        driver: Any = connection.connection.driver_connection
        # SQLite's own absolute path, so that all spellings of the URL and symbolic links have one lock.
        database = driver.execute("PRAGMA database_list").fetchone()[2]
        if not database:
            return None
        path = f"{database}-lock"
        with self._released:
            if self._lock is None:
                try:
                    self._lock = FileLock(path, beside=database)
                except OSError as error:
                    raise _unusable(path, error) from error
            return self._lock

    def usage(self) -> tuple[int, int]:
        """Return the size of the pool, and the number of its connections in use."""
        return self._size, self._size - len(self._free)

    def close(self) -> None:
        """Close the idle connections now, and each borrowed one when it is returned."""
        self._is_closed = True
        # All are popped first, because `release` pushes them on top again.
        idle = []
        with suppress(IndexError):
            while True:
                idle.append(self._free.pop())
        for connection in idle:
            self.release(connection)
        if self._lock is not None:
            self._lock.close()

    def acquire(self) -> Connection:
        """Return a connection, which the caller releases; raises `StorageUnavailable` on timeout."""
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._wait_for_release()
        if connection is not None:
            return connection
        try:
            return self._engine.connect()
        except BaseException:
            self.release(None)
            raise

    def _wait_for_release(self) -> Connection | None:
        """Wait for a connection to be released."""
        deadline = monotonic() + self._patience
        with self._released:
            self._waiting += 1
            try:
                # Another thread may have popped it without waiting.
                while self._released.wait_for(lambda: bool(self._free), deadline - monotonic()):
                    with suppress(IndexError):
                        return self._free.pop()
            finally:
                self._waiting -= 1
        DATABASE_ERRORS.count("pool_exhausted")
        raise StorageUnavailable(_BUSY)

    def release(self, connection: Connection | None) -> None:
        """Take back a connection, without its transaction; None stands for one that could not be opened."""
        reusable = None
        try:
            if connection is None:
                return
            if self._is_closed or connection.invalidated:
                connection.close()
                return
            # SQLAlchemy assumes a transaction after the first statement, and is not aware of our COMMIT.
            if connection.in_transaction():
                connection.rollback()
            driver = connection.connection.driver_connection
            if driver is not None and driver.in_transaction:
                driver.rollback()
            reusable = connection
        finally:
            # Before `_waiting` is read: a thread that begins to wait after this line finds the connection
            # itself. Without a waiting thread no lock is taken.
            self._free.append(reusable)
            if self._waiting:
                with self._released:
                    self._released.notify()


def _unusable(path: str, error: OSError) -> StorageUnavailable:
    DATABASE_ERRORS.count("unavailable")
    return StorageUnavailable(
        "The portal's database cannot be used. Try again in a moment.",
        f"The lock file {path} cannot be used: {error.strerror or error}",
    )


class _SqliteLease:
    """A connection that is lent for a `with` block, in a transaction if *begin* starts one.

    A class, because context managers made of generators take several times as long, for every query.
    """

    __slots__ = ("_begin", "_connection", "_pool")

    def __init__(self, pool: SqliteConnectionPool, begin: str | None = None) -> None:
        self._pool = pool
        self._begin = begin

    def __enter__(self) -> Connection:
        self._connection = connection = self._pool.acquire()
        if self._begin is not None:
            try:
                run_plain(connection, self._begin)
            except BaseException:
                self._pool.release(connection)
                raise
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # `release` ends the transaction.
        self._pool.release(self._connection)


class _SqliteWriteLease:
    """A connection in a writing transaction, committed at the end and rolled back on an exception."""

    __slots__ = ("_connection", "_lock", "_pool")

    def __init__(self, pool: SqliteConnectionPool) -> None:
        self._pool = pool

    def __enter__(self) -> Connection:
        self._lock = None
        self._connection = connection = self._pool.acquire()
        try:
            # The writers queue for the lock. If all waited in SQLite, the next one would be found by chance,
            # after pauses of up to 100 ms.
            self._lock = self._pool.lock(connection)
            # It waits for writers that do not use the lock, such as the shell of SQLite.
            run_plain(connection, "BEGIN IMMEDIATE")
        except BaseException:
            self._end()
            raise
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                run_plain(self._connection, "COMMIT")
        finally:
            self._end()

    def _end(self) -> None:
        try:
            # It rolls back a transaction that is not committed.
            self._pool.release(self._connection)
        finally:
            if self._lock is not None:
                self._lock.release()
