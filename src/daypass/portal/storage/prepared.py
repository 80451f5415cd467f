"""Statements that every request runs: compiled once, then handed to the driver as they are.

SQLAlchemy's way to a compiled statement costs several times what SQLite takes to answer it. What stays is its
SQL, the conversions of its types and its errors.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

ResultRow: TypeAlias = Any
"""A tuple whose fields are called like the columns of its query."""

_Convert = Callable[[Any], Any]
_MakeRow = Callable[[Sequence[Any]], ResultRow]


class RowMismatch(Exception):
    """A conditional statement did not change one row for each set of its parameters."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the words of one database."""

    sql: str
    binds: Sequence[tuple[str, _Convert | None]]
    constants: Mapping[str, object]
    is_positional: bool
    row: _MakeRow

    def parameters(self, given: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever the driver takes
        if self.constants:
            given = {**self.constants, **given}
        if self.is_positional:
            return [given[name] if travel is None else travel(given[name]) for name, travel in self.binds]
        return {name: given[name] if travel is None else travel(given[name]) for name, travel in self.binds}


@dataclass(eq=False, slots=True)
class Prepared:
    """A statement that always takes the same parameters, for connections of `reading()` and `writing()`."""

    statement: Executable
    takes: Sequence[str] | None = None
    """For INSERT: the columns that are given."""
    is_conditional: bool = False
    """For UPDATE: whether each set of parameters must match one row."""
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[ResultRow]:
        """Every row."""
        compiled = self._for(connection.dialect)
        taken = compiled.parameters(parameters)
        rows = _run(connection, compiled.sql, lambda driver: driver.execute(compiled.sql, taken).fetchall())
        return [compiled.row(row) for row in rows]

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> ResultRow:
        """The first row, or None."""
        return next(iter(self.all(connection, parameters)), None)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change something, once for each of *rows*; raises `RowMismatch` where a condition is not met."""
        compiled = self._for(connection.dialect)
        taken = [compiled.parameters(row) for row in rows]

        def execute(driver: Any) -> int:  # noqa: ANN401  either driver's connection
            cursor = driver.cursor()
            cursor.executemany(compiled.sql, taken)
            changed: int = cursor.rowcount
            return changed

        changed = _run(connection, compiled.sql, execute)
        if self.is_conditional and changed != len(rows):
            raise RowMismatch

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self.statement, self.takes, dialect)
        return compiled


def run(connection: Connection, statement: Executable | Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change something, once for each of *rows*."""
    if isinstance(statement, Prepared):
        statement.run(connection, rows)
    else:
        connection.execute(statement, rows)


def run_plain(connection: Connection, sql: str) -> None:
    """Run a statement without parameters or rows."""
    _run(connection, sql, lambda driver: driver.execute(sql))


def _compile(statement: Executable, takes: Sequence[str] | None, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=takes)  # type: ignore[attr-defined]  # any clause has it
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  it is no DDL
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    binds = [(name, _bind_processor(compiled.binds[name].type, dialect)) for name in names or ()]
    constants = {name: bind.value for name, bind in compiled.binds.items() if bind.value is not None}
    columns = list(statement.selected_columns) if isinstance(statement, Select) else []
    back = [_result_processor(column.type, dialect) for column in columns]
    row = _row_of([str(column.key) for column in columns], back)
    return _Compiled(str(compiled), binds, constants, compiled.positional, row)


def _bind_processor(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _row_of(names: Sequence[str], back: Sequence[_Convert | None]) -> _MakeRow:
    row_type: Any = namedtuple("row_type", names)  # type: ignore[misc]  # known at run time only
    make = row_type._make
    converted = [(place, convert) for place, convert in enumerate(back) if convert is not None]

    def row(values: Sequence[Any]) -> ResultRow:
        values = list(values)
        for place, convert in converted:
            values[place] = convert(values[place])
        return make(values)

    return row


def _run(connection: Connection, statement: str, call: Callable[[Any], T]) -> T:
    try:
        return call(connection.connection.dbapi_connection)
    except connection.dialect.loaded_dbapi.Error as error:
        is_gone = connection.dialect.is_disconnect(error, connection.connection, None)
        if is_gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            connection.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_gone,
            dialect=connection.dialect,
        ) from error
