"""Column types and SQL expressions for points in time in UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, String, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware datetime in UTC, also on databases that do not store the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; raises `ValueError` for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        """Return the stored value as a datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Epoch(ColumnElement[datetime]):
    """The constant 1970-01-01T00:00:00Z, independent of the session's time zone."""

    inherit_cache = True
    type = UtcDateTime()


@compiles(Epoch)
def _(_element: Epoch, compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401  SQLAlchemy's own
    return epoch_in(compiler.dialect.name)


def epoch_in(dialect_name: str) -> str:
    """Return the SQL literal for 1970-01-01T00:00:00Z."""
    # SQLite stores timestamps as text without a zone and compares them as text.
    return f"'1970-01-01 00:00:00.000000{'' if dialect_name == 'sqlite' else '+00'}'"


def utc_day(connection: Connection, moment: ColumnElement[datetime]) -> ColumnElement[str]:
    """Return SQL for the day of *moment* in UTC (ISO 8601), independent of the session's time zone."""
    is_sqlite = connection.dialect.name == "sqlite"
    return func.date(moment if is_sqlite else func.timezone("UTC", moment), type_=String)
