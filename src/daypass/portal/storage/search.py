"""Looking for a part of a name, in the way in which each database does it best."""

from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.sql.elements import ColumnElement


def contains(connection: Connection, column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether *text* stands somewhere in *column*, letter by letter.

    SQLite reads the column's index from end to end, which is quick enough. PostgreSQL looks it up by its
    trigrams where it has the index for them, and knows from the pattern how many rows to expect.
    """
    if connection.dialect.name == "sqlite":
        found: ColumnElement[Any] = func.instr(column, text)
        return found > 0
    return column.contains(text, autoescape=True)
