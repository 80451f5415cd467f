"""Connections to SQLite or PostgreSQL, and what becomes of their faults."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from daypass.portal.config import ConfigError
from daypass.portal.errors import StorageUnavailable

__all__ = ["Connection", "Database"]

_CONNECTIONS = 40
_WAIT_FOR_CONNECTION = 5.0
_WAIT_FOR_LOCK_MS = 5000


class Database:
    """One database, for all threads of a process.

    Faults of the database itself (gone, locked, full) surface as `StorageUnavailable`.
    """

    def __init__(self, url: str, *, connections: int = _CONNECTIONS) -> None:
        self._engine = _open(parse_url(url), connections)
        # Each read sees what is committed, and spares the BEGIN and ROLLBACK around it.
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshot = self._engine.execution_options(**_snapshot_options(self._engine.dialect.name))

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database, which takes one writing process."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading, with no transaction left open."""
        with _faults(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in one transaction, committed at the end, rolled back on an exception."""
        with _faults(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection for long reads, which sees one moment throughout and holds up no writer."""
        with _faults(), self._snapshot.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


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
    return url


_NOT_A_DATABASE = (
    "DAYPASS_DATABASE_URL takes sqlite:///PATH or postgresql://USER@HOST/NAME; what it holds is neither."
)


def _open(url: URL, connections: int) -> Engine:
    try:
        if url.drivername == "sqlite":
            return _open_sqlite(url, connections)
        return create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_WAIT_FOR_CONNECTION,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
            hide_parameters=True,
        )
    except NoSuchModuleError as error:
        raise ConfigError(_NOT_A_DATABASE) from error


def _open_sqlite(url: URL, connections: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_WAIT_FOR_CONNECTION,
        connect_args={"check_same_thread": False, "cached_statements": 256},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # We say BEGIN ourselves: the driver's own starts transactions that cannot always become writing ones.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_WAIT_FOR_LOCK_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN" if options.get("is_snapshot") else "BEGIN IMMEDIATE")


def _snapshot_options(dialect: str) -> dict[str, Any]:
    # SQLite's reading transactions see one moment by themselves.
    return {"is_snapshot": True} if dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable("The portal's database is busy. Try again in a moment.") from error
    except DBAPIError as error:
        if not _is_fault(error):
            raise
        raise StorageUnavailable("The portal's database cannot be reached. Try again in a moment.") from error


def _is_fault(error: DBAPIError) -> bool:
    # How both drivers say gone, locked and full; what a caller did wrong has other names.
    return error.connection_invalidated or type(error).__name__ in {"OperationalError", "InterfaceError"}
