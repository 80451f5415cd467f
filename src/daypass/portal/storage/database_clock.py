"""The database's clock, which all replicas share."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

_SQLITE = text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
# `now()` would be the time at which the transaction began.
_POSTGRESQL = text("SELECT clock_timestamp()")


def database_time(connection: Connection) -> datetime:
    """Return the current time in UTC by the database's clock."""
    if connection.dialect.name == "sqlite":
        return datetime.fromisoformat(str(connection.scalar(_SQLITE))).replace(tzinfo=UTC)
    now = connection.scalar(_POSTGRESQL)
    assert isinstance(now, datetime)  # noqa: S101  what the function returns
    return now.astimezone(UTC)
