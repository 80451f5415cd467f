"""Connections to SQLite or PostgreSQL, and what becomes of their faults."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from daypass.portal.config import ConfigError
from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.database_url import DatabaseUrl
from daypass.portal.storage.pool import PostgresConnectionPool, SqliteConnectionPool
from daypass.portal.storage.pooler import Profile, examine_connections
from daypass.portal.storage.timeouts import Allowance

__all__ = ["Allowance", "Connection", "Database", "StorageConflict", "StorageLocked"]

_CONNECTIONS = 40
_PATIENCE = timedelta(seconds=5)

# Of the patience. A server that works reports its own lock timeout before we give up on it.
_PING = 0.4
_ANSWER = 1.4
_LONG_ANSWER = 3
_MILLISECOND = timedelta(milliseconds=1)


class StorageConflict(StorageUnavailable):
    """Two transactions waited for each other, and this one was given up; once more is right."""


class StorageLocked(StorageUnavailable):
    """Another transaction held a lock for too long; the transaction was rolled back."""


class Database:
    """One database, for all threads of a process.

    Faults of the database itself (gone, locked, full) surface as `StorageUnavailable`. `patience` is how
    long to wait for a connection, and again for a lock that somebody else holds. A PostgreSQL server that
    does not answer for 1.4 times as long (3 times in a snapshot) counts as gone.
    """

    def __init__(self, url: str, *, connections: int = _CONNECTIONS, patience: timedelta = _PATIENCE) -> None:
        self.longest_answer = patience * _ANSWER
        """How long a connection waits for one answer of the database."""
        parsed = parse_url(url)
        self._place = DatabaseUrl(parsed)
        self._engine = _open(parsed, connections, patience)
        self._connections: SqliteConnectionPool | PostgresConnectionPool = (
            SqliteConnectionPool(self._engine, connections, patience)
            if self.is_sqlite
            else PostgresConnectionPool(self._engine, patience, self.longest_answer, patience * _LONG_ANSWER)
        )
        self.profile = Profile.EMBEDDED if self.is_sqlite else Profile.DIRECT
        """The profile of the connection that was opened last."""
        if not self.is_sqlite:
            # Loads the driver of PostgreSQL, which SQLite does without.
            from daypass.portal.storage.watchdog import opener, watch

            resting = Allowance(per_wait=(patience * _PING).total_seconds())
            watch(self._engine, resting)
            examine_connections(self._engine, opener(resting), patience, self._set_profile)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, which takes one writing process."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading, with no transaction left open."""
        # Beginning and ending a transaction is spared; each statement sees what is committed by then.
        with _faults(self._place), self._connections.reading() as connection:
            yield connection

    @contextmanager
    def writing(self, allowance: Allowance | None = None) -> Iterator[Connection]:
        """A connection in one transaction, committed at the end, rolled back on an exception.

        *allowance* replaces the usual limit on waiting for PostgreSQL. When the COMMIT is not answered within
        it, `StorageUnavailable` is raised although the transaction may be durable.
        """
        with _faults(self._place), self._connections.writing(allowance) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection for long reads, which sees one moment throughout and holds up no writer."""
        with _faults(self._place), self._connections.snapshot() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _set_profile(self, profile: Profile) -> None:
        self.profile = profile


def parse_url(text: str) -> URL:
    """The database that a URL names; `postgres://` and `postgresql://` mean the same."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(_NOT_A_DATABASE) from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigError(_NOT_A_DATABASE)
    if "@" in (url.host or ""):
        # The part taken for the host belongs to the password, and would be shown as a host.
        raise ConfigError("In DAYPASS_DATABASE_URL, write an @ in the password as %40.")
    return url


_NOT_A_DATABASE = (
    "DAYPASS_DATABASE_URL takes sqlite:///PATH or postgresql://USER@HOST/NAME; what it holds is neither."
)


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
        # The connection used last has its statements and pages at hand.
        pool_use_lifo=True,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            # In whole seconds; libpq takes two at least.
            "connect_timeout": max(2, round(patience.total_seconds())),
            # A server that vanished without a word is noticed as soon as one that is down.
            "tcp_user_timeout": wait,
            "options": f"-c timezone=UTC -c lock_timeout={wait}",
        },
    )


def _open_sqlite(url: URL, patience: timedelta) -> Engine:
    if url.database:
        _make_private(Path(url.database))
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "cached_statements": 256},
        hide_parameters=True,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # We say BEGIN ourselves: the driver's own starts transactions that cannot always become writing ones.
        connection.isolation_level = None
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
    """A file that is not there yet is for its owner alone, and so are those that SQLite makes beside it."""
    # Where it cannot be made, whoever connects is told so.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def _faults(place: DatabaseUrl) -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable("The portal's database is busy. Try again in a moment.") from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _LOCK_TIMEOUT:
            raise StorageLocked("The portal's database is busy. Try again in a moment.") from error
        if state in _CONFLICTS:
            raise StorageConflict("The portal's database is busy. Try again in a moment.") from error
        if not _is_fault(error):
            raise
        raise StorageUnavailable(
            "The portal's database cannot be reached. Try again in a moment.", place.cause(error)
        ) from error


_LOCK_TIMEOUT = "55P03"
_CONFLICTS = {"40001", "40P01"}
"""How PostgreSQL says that a transaction was given up for another's sake."""

# How both drivers say gone, locked, full, read-only and damaged; what a caller did wrong has other names.
_FAULTS = {"OperationalError", "InterfaceError", "InternalError", "DatabaseError"}


_NOT_PRIVILEGED = "42501"


def _is_fault(error: DBAPIError) -> bool:
    if error.connection_invalidated or type(error).__name__ in _FAULTS:
        return True
    # The driver calls these two a programming error, but the operator's URL or grants are wrong.
    is_refused = getattr(error.orig, "sqlstate", None) == _NOT_PRIVILEGED
    return is_refused or "invalid connection option" in str(error.orig)
