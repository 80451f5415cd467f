"""Substring search, with the fastest form for each database."""

from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.sql.elements import ColumnElement


def contains(connection: Connection, column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return the condition that *column* contains *text* literally.

    SQLite scans the column's index, which is fast enough. PostgreSQL uses the trigram index if there is one,
    and estimates the number of rows from the LIKE pattern.
    """
    if connection.dialect.name == "sqlite":
        position: ColumnElement[Any] = func.instr(column, text)
        return position > 0
    return column.contains(text, autoescape=True)
