"""Keyset pagination: a page starts after the last record of the page before it, not at an offset.

A page neither repeats nor skips a record if others are added or removed between two requests.
"""

import base64
import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

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


class CursorFormat(Protocol):
    """A text form of the values in a cursor: strings, integers, and times in ISO 8601."""

    def encode(self, values: Sequence[object]) -> str:
        """Return the cursor; it needs no quoting in a URL."""

    def decode(self, cursor: str) -> Sequence[object]:
        """Return the values in a cursor from a client; raises `ValueError` or `TypeError` for other text."""


class JsonCursor:
    """The format of most lists: a JSON array in base64."""

    def encode(self, values: Sequence[object]) -> str:
        """Return the cursor."""
        array = json.dumps(values, separators=(",", ":"))
        return base64.urlsafe_b64encode(array.encode()).decode().rstrip("=")

    def decode(self, cursor: str) -> Sequence[object]:
        """Return the values, whose number and types the caller checks."""
        values: Sequence[object] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return values


_TIME_AND_ID = re.compile("([0-9T:.-]+Z)_([0-9a-f]{32})")


class TimeAndIdCursor:
    """The format `TIMEZ_ID`: a time in UTC and a hexadecimal id.

    The list of a user's own sessions has always used it, and addresses of its pages may be bookmarked.
    """

    def encode(self, values: Sequence[object]) -> str:
        """Return the cursor."""
        time, id_ = values
        return f"{str(time).removesuffix('+00:00')}Z_{id_}"

    def decode(self, cursor: str) -> Sequence[object]:
        """Return the time and the id."""
        match = _TIME_AND_ID.fullmatch(cursor)
        if match is None:
            raise ValueError(cursor)
        return match.groups()


@dataclass(frozen=True, slots=True)
class Order:
    """The sort order of a list. The columns together are unique, and none of them is nullable."""

    columns: tuple[Column, ...]
    is_descending: bool = False
    cursor_format: CursorFormat = field(default_factory=JsonCursor)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The position and maximum length of the requested page; without a cursor it is the first."""

    cursor: str | None = None
    limit: int = 50


FIRST_PAGE = PageRequest()

COUNT_LIMIT = 1000
"""The highest number of search results that is counted exactly."""


def count_found(connection: Connection, query: Select[Any]) -> int:
    """Return the number of rows that a search finds, at most `COUNT_LIMIT` + 1.

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
        values = _values(request.cursor, order)
        position = tuple_(*columns)
        start = tuple_(*(literal(value, column.type) for value, column in zip(values, columns, strict=True)))
        query = query.where(position < start if order.is_descending else position > start)
    rows = connection.execute(query.limit(request.limit + 1)).all()
    page = rows[: request.limit]
    next_cursor = _cursor(page[-1], order) if len(rows) > request.limit else None
    return Page([make(row) for row in page], next_cursor)


class SortKey(Protocol):
    """A position in a sorted list."""

    def __lt__(self, other: Any, /) -> bool:  # noqa: ANN401  the same type, which a protocol cannot say
        """Return whether this position comes first."""


def page_of_sorted(
    records: Sequence[Record],
    request: PageRequest,
    *,
    key: Callable[[Record], SortKey],
    cursor_of: Callable[[Record], str],
    key_of_cursor: Callable[[str], SortKey | None],
) -> Page[Record]:
    """Return the requested page of a list in memory, which is sorted by *key*.

    The record that the cursor names may be gone by now: its position is enough. Raises `InvalidRequest` if
    *key_of_cursor* returns None.
    """
    start = 0
    if request.cursor is not None:
        last = key_of_cursor(request.cursor)
        if last is None:
            raise _no_such_page()
        start = bisect_right(records, last, key=key)
    end = start + request.limit
    page = records[start:end]
    return Page(page, cursor_of(page[-1]) if end < len(records) else None)


def _cursor(row: Row[*tuple[Any, ...]], order: Order) -> str:
    values = [row._mapping[column] for column in order.columns]  # noqa: SLF001  SQLAlchemy's public name
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return order.cursor_format.encode(plain)


def _values(cursor: str, order: Order) -> Sequence[object]:
    """Return the values in a cursor; it comes from the client, so each is checked against its column."""
    try:
        decoded = order.cursor_format.decode(cursor)
        return [_value(value, column) for value, column in zip(decoded, order.columns, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise _no_such_page() from error


def _no_such_page() -> InvalidRequest:
    return InvalidRequest("There is no such page. Start again at the first one.")


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
