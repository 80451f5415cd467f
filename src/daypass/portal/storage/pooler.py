"""Detection of a connection pooler, such as PgBouncer, between the portal and PostgreSQL.

A pooler in transaction mode assigns a free server session to each transaction, so session settings and
prepared statements may be another client's. Each new connection is examined, because the server behind an
address can change while the portal runs.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, Engine, event

from daypass.portal.storage.prepared import run_plain

if TYPE_CHECKING:
    # Commands on SQLite start without loading the driver of PostgreSQL.
    import psycopg

_MILLISECOND = timedelta(milliseconds=1)


class Profile(StrEnum):
    """The kind of session, which determines the session state that the portal can rely on."""

    EMBEDDED = "embedded"
    """SQLite, without a server."""
    DIRECT = "direct"
    """A session of its own on the server: settings persist, and statements are prepared."""
    POOLED = "pooled"
    """A shared session behind a pooler: settings are set per transaction, and no statement is prepared."""


def examine_connections(
    engine: Engine,
    connect: "Callable[..., psycopg.Connection]",
    lock_timeout: timedelta,
    report: Callable[[Profile], None],
) -> None:
    """Open each new connection of *engine* with *connect*, determine its profile, and report the profile."""

    def examined(
        dialect: Dialect, _record: object, arguments: Sequence[Any], options: dict[str, Any]
    ) -> "psycopg.Connection":
        connection, profile = _connect(dialect, partial(connect, *arguments), options, lock_timeout)
        if profile is Profile.POOLED:
            # None disables the driver's prepared statements, in executemany() too.
            connection.prepare_threshold = None
        report(profile)
        return connection

    event.listen(engine, "do_connect", examined)


def limit_waits(connection: Connection, lock_timeout: timedelta) -> None:
    """Set the lock timeout of a transaction that has just begun, unless the session has it set."""
    driver: Any = connection.connection.dbapi_connection
    if driver.prepare_threshold is None:
        run_plain(connection, f"SET LOCAL lock_timeout = {lock_timeout // _MILLISECOND}")


def _connect(
    dialect: Dialect,
    connect: "Callable[..., psycopg.Connection]",
    options: dict[str, Any],
    lock_timeout: timedelta,
) -> tuple["psycopg.Connection", Profile]:
    try:
        connection = connect(**options)
    except dialect.loaded_dbapi.OperationalError as error:
        if not _refuses_options(error):
            raise
        plain = {name: value for name, value in options.items() if name != "options"}
        connection = connect(**plain)
        return connection, Profile.POOLED
    try:
        return connection, _profile(connection, lock_timeout)
    except BaseException:
        connection.close()
        raise


def _refuses_options(error: Exception) -> bool:
    """Return whether the error is a pooler's refusal of the startup parameter `options`."""
    # PgBouncer: "unsupported startup parameter"; Amazon RDS Proxy: "command-line options".
    return "startup parameter" in str(error) or "command-line options" in str(error)


def _profile(connection: "psycopg.Connection", lock_timeout: timedelta) -> Profile:
    """Return DIRECT only if the server process and the settings are the requested ones."""
    # A pooler announces a process id of its own, and may silently drop the options.
    # In autocommit mode, so that the query leaves no transaction open.
    connection.autocommit = True
    row = connection.execute(
        "SELECT pg_backend_pid(), current_setting('TimeZone'),"
        f" current_setting('lock_timeout')::interval = interval '{lock_timeout // _MILLISECOND} ms'",
        prepare=False,
    ).fetchone()
    connection.autocommit = False
    is_direct = row == (connection.info.backend_pid, "UTC", True)
    return Profile.DIRECT if is_direct else Profile.POOLED
