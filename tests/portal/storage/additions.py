"""The differences between two schemas that a process of an earlier release would not survive."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect

_KEEPING_DELETES = {"CASCADE", "SET NULL", "SET DEFAULT"}
"""Foreign keys with these actions do not refuse the deletion of the row that they refer to."""

Reflected = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as the database describes it; constraints are texts, equal if the constraints are."""

    columns: Mapping[str, Reflected]
    key: Sequence[str]
    unique: Mapping[str, Sequence[str | None]]
    checks: frozenset[str]
    foreign_keys: Mapping[str, Reflected]


Shape = Mapping[str, TableShape]


def shape_of(connection: Connection) -> Shape:
    """Return all tables of the database."""
    inspector = inspect(connection)
    with warnings.catch_warnings():
        # SQLite cannot reflect indexes on expressions. PostgreSQL can.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression")
        indexes = inspector.get_multi_indexes()
        uniques = inspector.get_multi_unique_constraints()
        keys = inspector.get_multi_pk_constraint()
        checks = inspector.get_multi_check_constraints()
        foreign_keys = inspector.get_multi_foreign_keys()
    return {
        name[1]: TableShape(
            columns={column["name"]: column for column in columns},
            key=keys[name]["constrained_columns"],
            unique={
                **{str(each): each["column_names"] for each in uniques[name]},
                **{str(each): each["column_names"] for each in indexes[name] if each["unique"]},
            },
            checks=frozenset(check["sqltext"] for check in checks[name]),
            foreign_keys={str(each): each for each in foreign_keys[name]},
        )
        for name, columns in inspector.get_multi_columns().items()
        if name[1] != "alembic_version"
    }


def contractions(before: Shape, after: Shape) -> Sequence[str]:
    """Return a sentence for each difference that fails statements of a release that knows only *before*."""
    found = [f"The table {name} is gone." for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        found += _of_columns(name, before[name].columns, after[name].columns)
        found += _of_constraints(name, before[name], after[name])
    for name, table in after.items():
        known = before[name].foreign_keys if name in before else {}
        found += [
            f"A row of {key['referred_table']} cannot be deleted while {name} refers to it."
            for text, key in table.foreign_keys.items()
            if text not in known
            and key["referred_table"] in before
            and key["options"].get("ondelete") not in _KEEPING_DELETES
        ]
    return found


def _of_columns(table: str, before: Mapping[str, Reflected], after: Mapping[str, Reflected]) -> Iterator[str]:
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield f"The column {table}.{name} is gone."
            continue
        if str(new["type"]) != str(old["type"]):
            yield f"The column {table}.{name} changes its type from {old['type']} to {new['type']}."
        if old["nullable"] and not new["nullable"]:
            yield f"The column {table}.{name} does not accept NULL any more."
        if not new["nullable"] and _is_filled(old) and not _is_filled(new):
            yield f"The column {table}.{name} has no server default any more."
    for name in after.keys() - before.keys():
        if not after[name]["nullable"] and not _is_filled(after[name]):
            yield f"The new column {table}.{name} is NOT NULL and has no server default."


def _of_constraints(table: str, before: TableShape, after: TableShape) -> Iterator[str]:
    if before.key != after.key:
        yield f"The primary key of {table} changes."
    # NULL in any column satisfies a unique constraint and a foreign key, and an earlier release leaves NULL
    # in a new column without a server default.
    empty = {
        name
        for name, column in after.columns.items()
        if name not in before.columns and column["nullable"] and not _is_filled(column)
    }
    # PostgreSQL reports a unique constraint also as an index.
    if any(
        not empty.intersection(columns) for text, columns in after.unique.items() if text not in before.unique
    ):
        yield f"There is a new unique constraint on {table}."
    if before.unique.keys() - after.unique.keys():
        yield f"A unique constraint on {table} is gone, which ON CONFLICT may name."
    for text, key in after.foreign_keys.items():
        if text not in before.foreign_keys and not empty.intersection(key["constrained_columns"]):
            yield f"There is a new foreign key from {table}."
    if after.checks - before.checks:
        yield f"There is a new check constraint on {table}."


def _is_filled(column: Reflected) -> bool:
    """Return whether the database fills the column if an INSERT does not name it."""
    return any(column.get(name) is not None for name in ("default", "identity", "computed"))
