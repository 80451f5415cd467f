"""Precompiled statements for the hot path: compiled once by SQLAlchemy, then run by the driver directly.

SQLAlchemy's execution costs several times what SQLite needs for the statement itself. Its SQL, type
conversions and exceptions stay in use.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect, LargeBinary, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

ResultRow: TypeAlias = Any
"""A named tuple with the columns of the query."""

_Convert = Callable[[Any], Any]
_Bind = Callable[[Mapping[str, Any]], Any]
_MakeRow = Callable[[Sequence[Any]], ResultRow]


class RowMismatch(Exception):
    """A conditional statement did not change exactly one row for each set of parameters."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement compiled for one SQL dialect."""

    sql: str
    parameters: _Bind
    """Returns named values as the parameters that the driver takes."""
    row: _MakeRow


@dataclass(eq=False, slots=True)
class Prepared:
    """A statement with a fixed set of parameters, for connections of a `Database`."""

    statement: Executable
    columns: Sequence[str] | None = None
    """For INSERT: the columns that receive values."""
    is_conditional: bool = False
    """For UPDATE: whether each set of parameters must change one row."""
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[ResultRow]:
        """Return all rows."""
        compiled = self._for(connection.dialect)
        arguments = compiled.parameters(parameters)
        rows = _run(
            connection, compiled.sql, lambda driver: driver.execute(compiled.sql, arguments).fetchall()
        )
        return [compiled.row(row) for row in rows]

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> ResultRow:
        """Return the first row, or None."""
        return next(iter(self.all(connection, parameters)), None)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement for each of *rows*; raises `RowMismatch` if a condition is not met."""
        compiled = self._for(connection.dialect)
        arguments = [compiled.parameters(row) for row in rows]

        def execute(driver: Any) -> int:  # noqa: ANN401  either driver's connection
            cursor = driver.cursor()
            cursor.executemany(compiled.sql, arguments)
            # Both drivers add up the rows that all parameter sets changed.
            changed: int = cursor.rowcount
            return changed

        changed = _run(connection, compiled.sql, execute)
        if self.is_conditional and changed != len(rows):
            raise RowMismatch

    def _for(self, dialect: Dialect) -> _Compiled:
        # Without a lock: two threads that compile at once get equal results.
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self.statement, self.columns, dialect)
        return compiled


def run(connection: Connection, statement: Executable | Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a precompiled or an ordinary statement for each of *rows*."""
    if isinstance(statement, Prepared):
        statement.run(connection, rows)
    else:
        connection.execute(statement, rows)


def run_plain(connection: Connection, sql: str) -> None:
    """Execute SQL without parameters or result rows."""
    _run(connection, sql, lambda driver: driver.execute(sql))


def _compile(statement: Executable, insert_columns: Sequence[str] | None, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=insert_columns)  # type: ignore[attr-defined]  # any clause has it
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  it is no DDL
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    binds = [(name, _bind_processor(compiled.binds[name].type, dialect)) for name in names or ()]
    constants = {name: bind.value for name, bind in compiled.binds.items() if bind.value is not None}
    columns = list(statement.selected_columns) if isinstance(statement, Select) else []
    converters = [_result_processor(column.type, dialect) for column in columns]
    row = _row_of([str(column.key) for column in columns], converters)
    bind = _positional(binds, constants) if compiled.positional else _named(binds, constants)
    return _Compiled(str(compiled), bind, row)


def _positional(binds: Sequence[tuple[str, _Convert | None]], constants: Mapping[str, object]) -> _Bind:
    names = [name for name, _ in binds]
    converted = [(index, convert) for index, (_, convert) in enumerate(binds) if convert is not None]

    def bind(values: Mapping[str, Any]) -> list[Any]:
        if constants:
            values = {**constants, **values}
        parameters = [values[name] for name in names]
        for index, convert in converted:
            parameters[index] = convert(parameters[index])
        return parameters

    return bind


def _named(binds: Sequence[tuple[str, _Convert | None]], constants: Mapping[str, object]) -> _Bind:
    converted = [(name, convert) for name, convert in binds if convert is not None]

    def bind(values: Mapping[str, Any]) -> dict[str, Any]:
        parameters = {**constants, **values}
        for name, convert in converted:
            parameters[name] = convert(parameters[name])
        return parameters

    return bind


def _bytes(value: bytes | None) -> bytes | None:
    """Return *value*, which both drivers take; SQLAlchemy wraps it in an object of the driver's own."""
    # SQLite would store a text in a binary column.
    if value is not None and not isinstance(value, bytes):
        raise TypeError(f"a {type(value).__name__} cannot be stored as bytes")
    return value


def _bind_processor(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    if isinstance(type_, LargeBinary):
        return _bytes
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _row_of(names: Sequence[str], converters: Sequence[_Convert | None]) -> _MakeRow:
    row_type: Any = namedtuple("row_type", names)  # type: ignore[misc]  # known at run time only
    make = row_type._make
    converted = [(index, convert) for index, convert in enumerate(converters) if convert is not None]

    def row(values: Sequence[Any]) -> ResultRow:
        values = list(values)
        for index, convert in converted:
            values[index] = convert(values[index])
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
