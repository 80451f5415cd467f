"""Search for text from clients: whether a column can hold it, and substring search."""

from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.sql.elements import ColumnElement


def is_storable(text: str) -> bool:
    """Return whether *text*, typed by a client, can be a name or an id in the database.

    Names and ids are printable. Other text must not reach a query, because PostgreSQL rejects NUL and lone
    surrogates in a parameter with an error, where the answer is that there is no such record.
    """
    return text.isprintable()


def contains(connection: Connection, column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return the condition that *column* contains *text* literally.

    SQLite scans the column's index, which is fast enough. PostgreSQL uses the trigram index if there is one,
    and estimates the number of rows from the LIKE pattern.
    """
    if connection.dialect.name == "sqlite":
        position: ColumnElement[Any] = func.instr(column, text)
        return position > 0
    return column.contains(text, autoescape=True)
