"""Column types and SQL expressions for points in time in UTC."""

from collections.abc import Callable
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

    # SQLAlchemy's processors for SQLite take five times as long, and run for every value of every row.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """Return the function that converts values to those of the driver."""
        return _to_sqlite if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Return the function that converts values of the driver."""
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        """Convert to UTC; raises `ValueError` for a naive datetime."""
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        """Return the stored value as a datetime in UTC."""
        return None if value is None else _as_stored(value)


def _as_stored(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a datetime without a time zone cannot be stored")
    return value.astimezone(UTC)


def _to_sqlite(value: datetime | None) -> str | None:
    """Return the text that SQLAlchemy stores for a `DateTime` in SQLite: in UTC, without the zone."""
    return None if value is None else _in_utc(value).isoformat(" ", "microseconds")[: -len("+00:00")]


def _from_sqlite(text: str | None) -> datetime | None:
    # The portal writes no zone. A program that repairs rows by SQL may write one.
    return None if text is None else _as_stored(datetime.fromisoformat(text))


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
