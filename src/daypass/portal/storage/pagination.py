"""Keyset pagination: a page starts at a position in an index instead of an offset."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Row, Select, func, literal, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from daypass.portal.errors import InvalidRequest
from daypass.portal.storage.columns import UtcDateTime

Record = TypeVar("Record")
Other = TypeVar("Other")

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """One page of a list; `next_cursor` is None on the last page."""

    records: Sequence[Record]
    next_cursor: str | None

    def map(self, make: Callable[[Record], Other]) -> "Page[Other]":
        """Return the page with *make* applied to each record."""
        return Page([make(record) for record in self.records], self.next_cursor)


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list. The columns together are unique, and none of them is nullable."""

    columns: tuple[Column, ...]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The position and maximum length of the requested page; without a cursor it is the first."""

    cursor: str | None = None
    limit: int = 50


COUNT_LIMIT = 1000
"""The highest number of search results that is counted exactly."""


def count_found(connection: Connection, query: Select[Any]) -> int:
    """Return the number of rows that a search finds, at most `COUNTED` + 1.

    The bound keeps a search for a common letter cheap.
    """
    bounded = query.limit(COUNT_LIMIT + 1).subquery()
    return connection.scalar(select(func.count()).select_from(bounded)) or 0


def read_page(
    connection: Connection,
    query: Select[Any],
    order: Order,
    request: PageRequest,
    make: Callable[[Row[*tuple[Any, ...]]], Record],
) -> Page[Record]:
    """Return the requested page of *query*, which must select the columns that it is ordered by.

    Raises `InvalidRequest` for a cursor that no page has.
    """
    columns = order.columns
    query = query.order_by(*(column.desc() if order.is_descending else column.asc() for column in columns))
    if request.cursor is not None:
        values = _values(request.cursor, columns)
        position = tuple_(*columns)
        start = tuple_(*(literal(value, column.type) for value, column in zip(values, columns, strict=True)))
        query = query.where(position < start if order.is_descending else position > start)
    rows = connection.execute(query.limit(request.limit + 1)).all()
    page = rows[: request.limit]
    next_cursor = _cursor(page[-1], columns) if len(rows) > request.limit else None
    return Page([make(row) for row in page], next_cursor)


def _cursor(row: Row[*tuple[Any, ...]], columns: Sequence[Column]) -> str:
    values = [row._mapping[column] for column in columns]  # noqa: SLF001  SQLAlchemy's public name
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _values(cursor: str, columns: Sequence[Column]) -> Sequence[object]:
    """Return the values in a cursor; it comes from the client, so each is checked against its column."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_value(value, column) for value, column in zip(decoded, columns, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise InvalidRequest("There is no such page. Start again at the first one.") from error


def _value(value: object, column: Column) -> object:
    if isinstance(column.type, UtcDateTime):
        time = datetime.fromisoformat(str(value))
        if time.tzinfo is None:
            raise ValueError(value)
        return time.astimezone(UTC)
    if isinstance(value, str) and column.type.python_type is str and value.isprintable():
        return value
    if type(value) is int and column.type.python_type is int and abs(value) < 2**31:
        return value
    raise ValueError(value)
