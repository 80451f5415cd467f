"""The database access for permission sets, and the columns by which a membership names its set."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, insert, or_, select, update

from daypass.portal.permission_sets.model import BUILT_IN, FULL, READ_ONLY, ManagedPolicy, PermissionSet
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.tenants import memberships, permission_sets
from daypass.portal.storage.unit_of_work import RowChange

_c = permission_sets.c

PERMISSION_SET = (
    _c.id.label("set_id"),
    _c.name.label("set_name"),
    _c.description.label("set_description"),
    _c.rank.label("set_rank"),
    _c.policies.label("set_policies"),
    _c.denies.label("set_denies"),
    _c.has_own_role.label("set_has_own_role"),
)
"""The columns that `permission_set_of` needs."""

requested_sets = permission_sets.alias("requested_sets")
"""The table for a query that reads a membership's set and another one in the same row."""

requested_columns = tuple(
    requested_sets.c[name].label(f"requested_{name}")
    for name in ("id", "name", "description", "rank", "policies", "denies", "has_own_role")
)
"""The columns that `requested_set_of` needs."""

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
        """Return the number of memberships with each set, by the set's id; a set without any is missing."""
        set_id = func.coalesce(
            case((memberships.c.is_read_only, READ_ONLY.id), (~memberships.c.is_read_only, FULL.id)),
            memberships.c.permission_set_id,
        )
        query = select(set_id.label("set_id"), func.count().label("number")).group_by(set_id)
        return {row.set_id: row.number for row in self._connection.execute(query)}

    def count_members(self, permission_set: PermissionSet) -> int:
        """Return the number of memberships that have this custom set."""
        has_set = and_(
            memberships.c.permission_set_id == permission_set.id, memberships.c.is_read_only.is_(None)
        )
        return self._connection.scalar(select(func.count()).select_from(memberships).where(has_set)) or 0


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
    return None if row.set_id is None else permission_set_of(row)


def permission_set_of(row: Row[*tuple[Any, ...]]) -> PermissionSet:
    """Return the custom set in a row that has the columns of `PERMISSION_SET`."""
    return PermissionSet(
        id=row.set_id,
        name=row.set_name,
        description=row.set_description,
        rank=row.set_rank,
        policies=_policies(row.set_policies),
        denies=row.set_denies,
        has_own_role=row.set_has_own_role,
    )


def requested_set_of(row: Row[*tuple[Any, ...]]) -> PermissionSet | None:
    """Return the set in a row that has the columns of `requested_columns`; None if no set was found."""
    if row.requested_id is None:
        return None
    return PermissionSet(
        id=row.requested_id,
        name=row.requested_name,
        description=row.requested_description,
        rank=row.requested_rank,
        policies=_policies(row.requested_policies),
        denies=row.requested_denies,
        has_own_role=row.requested_has_own_role,
    )


def _policies(text: str) -> tuple[ManagedPolicy, ...]:
    return tuple(ManagedPolicy.parse(each) for each in json.loads(text))


def _policies_text(permission_set: PermissionSet) -> str:
    return json.dumps([policy.text for policy in permission_set.policies])
