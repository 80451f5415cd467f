"""Long lists, a page at a time: each begins at a position in an index, so that no rows are counted off."""

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
    """Some records of a list, and where the next page begins; None on the last one."""

    records: Sequence[Record]
    next_cursor: str | None

    def each(self, make: Callable[[Record], Other]) -> "Page[Other]":
        """The same page of what *make* makes of its records."""
        return Page([make(record) for record in self.records], self.next_cursor)


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by; together the columns are never the same for two rows, and never null."""

    columns: tuple[Column, ...]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted, and how long it may be."""

    cursor: str | None = None
    limit: int = 50


COUNTED = 1000
"""What is searched for is counted so far; beyond, it is said that there are more."""


def count_found(connection: Connection, found: Select[Any]) -> int:
    """How many rows a search finds, at most one more than `COUNTED`: a common letter is in every name."""
    bounded = found.limit(COUNTED + 1).subquery()
    return connection.scalar(select(func.count()).select_from(bounded)) or 0


def read_page(
    connection: Connection,
    query: Select[Any],
    order: Order,
    turn: PageRequest,
    make: Callable[[Row[*tuple[Any, ...]]], Record],
) -> Page[Record]:
    """The page of *query* that *turn* asks for; the query selects the columns that it is ordered by."""
    columns = order.columns
    query = query.order_by(*(column.desc() if order.is_descending else column.asc() for column in columns))
    if turn.cursor is not None:
        values = _values(turn.cursor, columns)
        here = tuple_(*columns)
        there = tuple_(*(literal(value, column.type) for value, column in zip(values, columns, strict=True)))
        query = query.where(here < there if order.is_descending else here > there)
    rows = connection.execute(query.limit(turn.limit + 1)).all()
    shown = rows[: turn.limit]
    next_cursor = _cursor(shown[-1], columns) if len(rows) > turn.limit else None
    return Page([make(row) for row in shown], next_cursor)


def _cursor(row: Row[*tuple[Any, ...]], columns: Sequence[Column]) -> str:
    values = [row._mapping[column] for column in columns]  # noqa: SLF001  SQLAlchemy's public name
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _values(cursor: str, columns: Sequence[Column]) -> Sequence[object]:
    """What a cursor says; it comes from outside, so nothing of it is believed."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_value(value, column) for value, column in zip(found, columns, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise InvalidRequest("There is no such page. Start again at the first one.") from error


def _value(value: object, column: Column) -> object:
    if isinstance(column.type, UtcDateTime):
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment.astimezone(UTC)
    if isinstance(value, str) and column.type.python_type is str and value.isprintable():
        return value
    if type(value) is int and column.type.python_type is int and abs(value) < 2**31:
        return value
    raise ValueError(value)
