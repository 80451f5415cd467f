"""Column types that keep a value what it was."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, String, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Aware in, aware out, on databases that drop the zone too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, and store the rest in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Epoch(ColumnElement[datetime]):
    """The constant 1970-01-01T00:00:00Z, the same whatever time zone the session has."""

    inherit_cache = True
    type = UtcDateTime()


@compiles(Epoch)
def _(_element: Epoch, compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401  SQLAlchemy's own
    return epoch_in(compiler.dialect.name)


def epoch_in(dialect_name: str) -> str:
    """Return the literal for 1970-01-01T00:00:00Z."""
    # SQLite compares text, and stores moments without a zone.
    return f"'1970-01-01 00:00:00.000000{'' if dialect_name == 'sqlite' else '+00'}'"


def utc_day(connection: Connection, moment: ColumnElement[datetime]) -> ColumnElement[str]:
    """Return the SQL for the day of *moment* in UTC, ISO 8601, whatever time zone the session has."""
    is_sqlite = connection.dialect.name == "sqlite"
    return func.date(moment if is_sqlite else func.timezone("UTC", moment), type_=String)
