"""Connections to SQLite or PostgreSQL, and the mapping of their errors."""

import os
import sqlite3
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from daypass.portal.config.variables import ConfigError
from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.database_url import DatabaseUrl
from daypass.portal.storage.pool import PostgresConnectionPool, SqliteConnectionPool
from daypass.portal.storage.pooler import Profile, examine_connections
from daypass.portal.storage.timeouts import Allowance
from daypass.portal.telemetry.metrics import DATABASE_ERRORS

__all__ = ["Allowance", "Connection", "Database", "StorageConflict", "StorageLocked"]

_CONNECTIONS = 40
_PATIENCE = timedelta(seconds=5)

# Client-side deadlines as multiples of the lock timeout (`patience`). The answer to a query gets more than 1,
# so that a working server reports a lock timeout itself before the client closes the connection.
_PING_FACTOR = 0.4
_ANSWER_FACTOR = 1.4
_LONG_ANSWER_FACTOR = 3
_MILLISECOND = timedelta(milliseconds=1)


class StorageConflict(StorageUnavailable):
    """The transaction was rolled back to resolve a deadlock or serialization failure, and can be retried."""


class StorageLocked(StorageUnavailable):
    """The transaction was rolled back because another one held a lock for too long."""


class Database:
    """A thread-safe client of one database.

    Faults of the database itself (unreachable, locked, full) raise `StorageUnavailable`. `patience` is the
    timeout for getting a connection, and for each lock. A PostgreSQL server that does not answer within 1.4
    times as long (3 times in a snapshot) counts as unreachable.
    """

    def __init__(self, url: str, *, connections: int = _CONNECTIONS, patience: timedelta = _PATIENCE) -> None:
        self.longest_answer = patience * _ANSWER_FACTOR
        """The longest time that a connection waits for one answer of the database."""
        parsed = parse_url(url)
        self._url = DatabaseUrl(parsed)
        self._engine = _open(parsed, connections, patience)
        self._connections: SqliteConnectionPool | PostgresConnectionPool = (
            SqliteConnectionPool(self._engine, connections, patience)
            if self.is_sqlite
            else PostgresConnectionPool(
                self._engine, patience, self.longest_answer, patience * _LONG_ANSWER_FACTOR
            )
        )
        self.profile = Profile.EMBEDDED if self.is_sqlite else Profile.DIRECT
        """The profile of the connection opened last."""
        if not self.is_sqlite:
            # Imported here because it loads the PostgreSQL driver, which SQLite does not need.
            from daypass.portal.storage.watchdog import opener, watch

            resting = Allowance(per_wait=(patience * _PING_FACTOR).total_seconds())
            watch(self._engine, resting)
            examine_connections(self._engine, opener(resting), patience, self._set_profile)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, which allows one writer at a time."""
        return self._engine.dialect.name == "sqlite"

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a context manager with a connection for reads, in autocommit mode."""
        # Autocommit saves the BEGIN and COMMIT; each statement sees what is committed when it starts.
        return _Lease(self._connections.reading(), self._url)

    def writing(self, allowance: Allowance | None = None) -> AbstractContextManager[Connection]:
        """Return a context manager with a connection in a transaction.

        The transaction is committed at the end and rolled back on an exception. *allowance* replaces the
        usual limit on waiting for PostgreSQL. If COMMIT is not answered within it, `StorageUnavailable` is
        raised although the transaction may be durable.
        """
        return _Lease(self._connections.writing(allowance), self._url)

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Return a context manager with a connection for long reads of one snapshot; blocks no writer."""
        return _Lease(self._connections.snapshot(), self._url)

    @property
    def connections(self) -> tuple[int, int]:
        """The most connections that the pool opens, and the number of those in use."""
        return self._connections.usage()

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _set_profile(self, profile: Profile) -> None:
        self.profile = profile


def parse_url(text: str) -> URL:
    """Parse a database URL; `postgres://` and `postgresql://` are equivalent. Raises `ConfigError`."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(_NOT_A_DATABASE) from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigError(_NOT_A_DATABASE)
    if "@" in (url.host or ""):
        # The parser took a part of the password for the host, which error messages would show.
        raise ConfigError("In DAYPASS_DATABASE_URL, write an @ in the password as %40.")
    return url


_NOT_A_DATABASE = "DAYPASS_DATABASE_URL must have the form sqlite:///PATH or postgresql://USER@HOST/NAME."


def _open(url: URL, connections: int, patience: timedelta) -> Engine:
    try:
        if url.drivername == "sqlite":
            return _open_sqlite(url, patience)
        return _open_postgresql(url, connections, patience)
    except NoSuchModuleError as error:
        raise ConfigError(_NOT_A_DATABASE) from error


def _open_postgresql(url: URL, connections: int, patience: timedelta) -> Engine:
    wait = patience // _MILLISECOND
    return create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        # LIFO: the connection used last has warm caches.
        pool_use_lifo=True,
        # A server that was restarted has closed the connections of the pool.
        pool_pre_ping=True,
        # Parameters contain digests of tokens and users' input, which must not appear in logs.
        hide_parameters=True,
        connect_args={
            # Whole seconds; libpq's minimum is two.
            "connect_timeout": max(2, round(patience.total_seconds())),
            # Detects a server that vanished without closing the connection.
            "tcp_user_timeout": wait,
            "options": f"-c timezone=UTC -c lock_timeout={wait}",
        },
    )


def _open_sqlite(url: URL, patience: timedelta) -> Engine:
    if url.database:
        _make_private(Path(url.database))
    engine = create_engine(
        url,
        # `SqliteConnectionPool` keeps the connections, and lends each to any thread.
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "cached_statements": 256},
        hide_parameters=True,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The pool sends BEGIN IMMEDIATE itself: the driver's deferred BEGIN can fail to become a writer.
        connection.isolation_level = None
        # WAL lets readers work beside a writer. With it, only FULL makes a commit survive a power failure,
        # which the audit log promises. Foreign keys are off by default, in each connection.
        for pragma in (
            f"busy_timeout = {patience // _MILLISECOND}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    return engine


def _make_private(path: Path) -> None:
    """Create the file readable by its owner only, unless it exists; SQLite's journals get the same mode."""
    # If this fails, connecting reports the reason.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


class _Lease:
    """A connection that is lent for a `with` block; faults of the database are raised as the portal's errors.

    A class for the same reason as `_SqliteLease`.
    """

    __slots__ = ("_lent", "_url")

    def __init__(self, lent: AbstractContextManager[Connection], url: DatabaseUrl) -> None:
        self._lent = lent
        self._url = url

    def __enter__(self) -> Connection:
        try:
            return self._lent.__enter__()
        except (PoolTimeout, DBAPIError) as error:
            _raise_fault(error, self._url)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._lent.__exit__(kind, error, trace)
        except (PoolTimeout, DBAPIError) as fault:
            _raise_fault(fault, self._url)
            raise
        if isinstance(error, PoolTimeout | DBAPIError):
            _raise_fault(error, self._url)


def _raise_fault(error: PoolTimeout | DBAPIError, url: DatabaseUrl) -> None:
    """Raise the portal's error for a fault of the database; return if the caller made the error."""
    if isinstance(error, PoolTimeout):
        DATABASE_ERRORS.count("pool_exhausted")
        raise StorageUnavailable("The portal's database is busy. Try again in a moment.") from error
    state = getattr(error.orig, "sqlstate", None)
    if state == _LOCK_TIMEOUT:
        DATABASE_ERRORS.count("lock_timeout")
        raise StorageLocked("The portal's database is busy. Try again in a moment.") from error
    if state in _CONFLICTS:
        DATABASE_ERRORS.count("conflict")
        raise StorageConflict("The portal's database is busy. Try again in a moment.") from error
    if _is_fault(error):
        DATABASE_ERRORS.count("unavailable")
        raise StorageUnavailable(
            "The portal's database cannot be reached. Try again in a moment.", url.cause(error)
        ) from error


_LOCK_TIMEOUT = "55P03"
_CONFLICTS = {"40001", "40P01"}
"""The SQLSTATE codes of a serialization failure and a deadlock."""

# The exceptions of both drivers for unreachable, locked, full, read-only and damaged databases. Errors of the
# caller have other classes.
_FAULTS = {"OperationalError", "InterfaceError", "InternalError", "DatabaseError"}


_NOT_PRIVILEGED = "42501"


def _is_fault(error: DBAPIError) -> bool:
    if error.connection_invalidated or type(error).__name__ in _FAULTS:
        return True
    # The driver reports these two as programming errors, but their cause is a wrong URL or missing grants.
    is_refused = getattr(error.orig, "sqlstate", None) == _NOT_PRIVILEGED
    return is_refused or "invalid connection option" in str(error.orig)
