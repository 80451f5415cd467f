"""The database access for permission sets, and the columns by which a membership names its set."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.elements import Label

from daypass.portal.permission_sets.model import BUILT_IN, FULL, READ_ONLY, ManagedPolicy, PermissionSet
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.groups import group_memberships
from daypass.portal.storage.schema.tenants import memberships, permission_sets
from daypass.portal.storage.unit_of_work import RowChange

_c = permission_sets.c

_FIELDS = ("id", "name", "description", "rank", "policies", "denies", "has_own_role")


def _columns(table: FromClause, prefix: str) -> tuple[Label[Any], ...]:
    return tuple(table.c[name].label(f"{prefix}_{name}") for name in _FIELDS)


PERMISSION_SET = _columns(permission_sets, "set")
"""The columns that `permission_set_of` needs."""

requested_sets = permission_sets.alias("requested_sets")
"""The table for a query that reads a membership's set and another one in the same row."""

requested_columns = _columns(requested_sets, "requested")
"""The columns that `requested_set_of` needs."""

group_sets = permission_sets.alias("group_sets")
"""The table for a query that reads a user's set and that of a group in the same row."""

GROUP_SET = (group_memberships.c.is_read_only.label("group_is_read_only"), *_columns(group_sets, "group_set"))
"""The columns that `group_membership_set` needs; join `group_sets` by `IS_SET_OF_GROUP`."""

IS_SET_OF_GROUP = and_(
    group_sets.c.id == group_memberships.c.permission_set_id, group_memberships.c.is_read_only.is_(None)
)

MEMBERSHIP_SET = (memberships.c.is_read_only, *PERMISSION_SET)
"""The columns that `membership_set` needs; join `permission_sets` by `IS_SET_OF_MEMBERSHIP`."""

# A row with `is_read_only` is full or read-only whatever the other column says: a process of an earlier
# release changes the first and leaves the second as it is.
IS_SET_OF_MEMBERSHIP = and_(
    permission_sets.c.id == memberships.c.permission_set_id, memberships.c.is_read_only.is_(None)
)

_ADD = insert(permission_sets)
_CHANGE = (
    update(permission_sets)
    .where(_c.id == bindparam("changed_id"))
    .values(
        description=bindparam("new_description"),
        rank=bindparam("new_rank"),
        policies=bindparam("new_policies"),
        denies=bindparam("new_denies"),
        has_own_role=bindparam("new_has_own_role"),
        updated_at=bindparam("new_updated_at"),
    )
)
_FORGET_IN_MEMBERSHIPS = (
    update(memberships)
    .where(memberships.c.permission_set_id == bindparam("ended_id"), memberships.c.is_read_only.is_not(None))
    .values(permission_set_id=None)
)
_DELETE = delete(permission_sets).where(_c.id == bindparam("ended_id"))


class PermissionSetStore:
    """The custom sets in the database, together with the built-in ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[PermissionSet]:
        """Return every set, the highest rank first and sets of one rank by name."""
        rows = self._connection.execute(select(*PERMISSION_SET).order_by(_c.rank.desc(), _c.name))
        return [FULL, *(permission_set_of(row) for row in rows), READ_ONLY]

    def find(self, reference: str) -> PermissionSet | None:
        """Return the set with this name or id, or None."""
        if reference in BUILT_IN:
            return BUILT_IN[reference]
        is_referred = or_(_c.name == reference, _c.id == reference)
        row = self._connection.execute(select(*PERMISSION_SET).where(is_referred)).first()
        return None if row is None else permission_set_of(row)

    def count_all_members(self) -> Mapping[str, int]:
        """Return the number of memberships with each set, by the set's id; a set without any is missing.

        The memberships are those of users and of groups.
        """
        ids = union_all(
            *(select(_set_id(table).label("set_id")) for table in (memberships, group_memberships))
        )
        every = ids.subquery()
        query = select(every.c.set_id, func.count().label("number")).group_by(every.c.set_id)
        return {row.set_id: row.number for row in self._connection.execute(query)}

    def count_members(self, permission_set: PermissionSet) -> int:
        """Return the number of memberships, of users and of groups, that have this custom set."""
        numbers = [
            select(func.count())
            .select_from(table)
            .where(table.c.permission_set_id == permission_set.id, table.c.is_read_only.is_(None))
            .scalar_subquery()
            for table in (memberships, group_memberships)
        ]
        return self._connection.scalar(select(numbers[0] + numbers[1])) or 0


def _set_id(table: FromClause) -> ColumnElement[str]:
    is_read_only = table.c.is_read_only
    built_in = case((is_read_only, READ_ONLY.id), (~is_read_only, FULL.id))
    return func.coalesce(built_in, table.c.permission_set_id)


def find_sets_with_own_roles(database: Database) -> Sequence[str]:
    """Return the names of the sets that have a role of their own in each tenant, sorted."""
    with database.reading() as connection:
        sets = PermissionSetStore(connection).all()
    return sorted(each.name for each in sets if each.has_own_role)


def add_permission_set(permission_set: PermissionSet, *, at: datetime) -> RowChange:
    """Return the change that inserts a custom set."""
    row = {
        "id": permission_set.id,
        "name": permission_set.name,
        "description": permission_set.description,
        "rank": permission_set.rank,
        "policies": _policies_text(permission_set),
        "denies": permission_set.denies,
        "has_own_role": permission_set.has_own_role,
        "created_at": at,
        "updated_at": at,
    }
    return RowChange(_ADD, row)


def change_permission_set(permission_set: PermissionSet, *, at: datetime) -> RowChange:
    """Return the change that replaces everything of a custom set but its id and name."""
    row = {
        "changed_id": permission_set.id,
        "new_description": permission_set.description,
        "new_rank": permission_set.rank,
        "new_policies": _policies_text(permission_set),
        "new_denies": permission_set.denies,
        "new_has_own_role": permission_set.has_own_role,
        "new_updated_at": at,
    }
    return RowChange(_CHANGE, row)


def delete_permission_set(permission_set: PermissionSet) -> tuple[RowChange, ...]:
    """Return the changes that delete a custom set, which fail while a membership has it."""
    row = {"ended_id": permission_set.id}
    return RowChange(_FORGET_IN_MEMBERSHIPS, row), RowChange(_DELETE, row)


def membership_columns(permission_set: PermissionSet) -> dict[str, object]:
    """Return the columns of a membership with this set.

    `is_read_only` is NULL for a custom set. An earlier release reads that as no membership, and refuses.
    """
    if permission_set.is_built_in:
        return {"is_read_only": permission_set.name == READ_ONLY.name, "permission_set_id": None}
    return {"is_read_only": None, "permission_set_id": permission_set.id}


def membership_set(row: Row[*tuple[Any, ...]]) -> PermissionSet | None:
    """Return the membership's set in a row that has the columns of `MEMBERSHIP_SET`; None without one."""
    if row.is_read_only is not None:
        return READ_ONLY if row.is_read_only else FULL
    return _set_in(row, "set")


def group_membership_set(row: Row[*tuple[Any, ...]]) -> PermissionSet | None:
    """Return the set of a group's membership in a row that has `GROUP_SET`; None without a membership."""
    if row.group_is_read_only is not None:
        return READ_ONLY if row.group_is_read_only else FULL
    return _set_in(row, "group_set")


def permission_set_of(row: Row[*tuple[Any, ...]]) -> PermissionSet:
    """Return the custom set in a row that has the columns of `PERMISSION_SET`."""
    found = _set_in(row, "set")
    assert found is not None  # noqa: S101  the caller's query has the set
    return found


def requested_set_of(row: Row[*tuple[Any, ...]]) -> PermissionSet | None:
    """Return the set in a row that has the columns of `requested_columns`; None if no set was found."""
    return _set_in(row, "requested")


def _set_in(row: Row[*tuple[Any, ...]], prefix: str) -> PermissionSet | None:
    if getattr(row, f"{prefix}_id") is None:
        return None
    values = {name: getattr(row, f"{prefix}_{name}") for name in _FIELDS}
    return PermissionSet(**{**values, "policies": _policies(values["policies"])})


def _policies(text: str) -> tuple[ManagedPolicy, ...]:
    return tuple(ManagedPolicy.parse(each) for each in json.loads(text))


def _policies_text(permission_set: PermissionSet) -> str:
    return json.dumps([policy.text for policy in permission_set.policies])
