"""The database access for groups, their members, and the memberships of tenants that they give."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.identity.model import Role, UserId
from daypass.portal.identity.store.tokens import END_ADMINISTRATION
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import membership_columns
from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import GroupId, TenantId

GROUP = (
    groups.c.id,
    groups.c.name,
    groups.c.source,
    groups.c.provider,
    groups.c.external_id,
    groups.c.description,
    groups.c.makes_administrators,
)
"""The columns that `group_of` needs."""

_ADD = insert(groups)
_CHANGE = (
    update(groups)
    .where(groups.c.id == bindparam("changed_id"))
    .values(
        name=bindparam("new_name"),
        external_id=bindparam("new_external_id"),
        description=bindparam("new_description"),
        makes_administrators=bindparam("new_makes_administrators"),
        updated_at=bindparam("new_updated_at"),
        version=groups.c.version + 1,
    )
)
_DELETE = delete(groups).where(groups.c.id == bindparam("ended_id"))

_ADD_MEMBER = insert(group_members)
# A transaction that releases credentials to this user has locked the user's row; this waits for it.
_LOCKED_USER = select(users.c.id).where(users.c.id == bindparam("user")).with_for_update(key_share=True)
_REMOVE_MEMBER = delete(group_members).where(
    group_members.c.group_id == bindparam("group"), group_members.c.user_id.in_(_LOCKED_USER)
)

_MEMBERSHIP = (
    group_memberships.c.group_id == bindparam("group"),
    group_memberships.c.tenant_id == bindparam("tenant"),
)
_ADD_MEMBERSHIP = insert(group_memberships)
_CHANGE_MEMBERSHIP = (
    update(group_memberships)
    .where(*_MEMBERSHIP)
    .values(
        is_read_only=bindparam("new_is_read_only"),
        permission_set_id=bindparam("new_permission_set_id"),
        ends_at=bindparam("new_ends_at"),
    )
)
_REMOVE_MEMBERSHIP = delete(group_memberships).where(*_MEMBERSHIP)

# A member may be an Administrator by another group as well, so the same two tables are read once more.
_makers = groups.alias("makers")
_other_members = group_members.alias("other_members")

_END_ADMINISTRATION_BY = END_ADMINISTRATION.where(
    api_tokens.c.user_id.in_(
        select(group_members.c.user_id).where(group_members.c.group_id == bindparam("ended_group"))
    ),
    api_tokens.c.user_id.not_in(select(users.c.id).where(users.c.role == Role.ADMINISTRATOR.value)),
    api_tokens.c.user_id.not_in(
        select(_other_members.c.user_id)
        .join(_makers, _makers.c.id == _other_members.c.group_id)
        .where(
            _makers.c.makes_administrators,
            _makers.c.source != MemberSource.LOCAL.value,
            _makers.c.id != bindparam("ended_group"),
        )
    ),
)

# At most once an hour for each group: a write at every sign-in would make the sign-ins of one company wait
# for each other.
_RECORD_MATCH = (
    update(groups)
    .where(
        # SKIP LOCKED: sign-ins that update the same groups in another order would deadlock.
        groups.c.id.in_(
            select(groups.c.id)
            .where(
                groups.c.id == bindparam("matched_id"),
                or_(
                    groups.c.last_matched_at.is_(None),
                    groups.c.last_matched_at < bindparam("stale_before", type_=UtcDateTime),
                ),
            )
            .with_for_update(skip_locked=True)
        )
    )
    .values(last_matched_at=bindparam("matched_at"))
)


class GroupStore:
    """The groups in the database, as far as sign-ins and provisioning need them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, group_id: str) -> Group | None:
        """Return the group of that id, or None."""
        row = self._connection.execute(select(*GROUP).where(groups.c.id == group_id)).first()
        return None if row is None else group_of(row)

    def with_claims(self, provider: str, values: Collection[str]) -> Sequence[Group]:
        """Return the claim groups of a provider whose external ids are among *values*, by id."""
        query = select(*GROUP).where(
            groups.c.provider == provider,
            groups.c.source == MemberSource.CLAIM.value,
            groups.c.external_id.in_(values),
        )
        return [group_of(row) for row in self._connection.execute(query.order_by(groups.c.id))]

    def of_user(self, user_id: UserId, provider: str, source: MemberSource) -> Sequence[Group]:
        """Return the groups from one source of a provider that the user is a member of, by id."""
        query = (
            select(*GROUP)
            .join(group_members, group_members.c.group_id == groups.c.id)
            .where(
                group_members.c.user_id == user_id,
                groups.c.provider == provider,
                groups.c.source == source.value,
            )
        )
        return [group_of(row) for row in self._connection.execute(query.order_by(groups.c.id))]

    def is_administrator_without(self, user_id: UserId, group_ids: Collection[GroupId]) -> bool:
        """Return whether the assigned role or another group than these makes the user an Administrator."""
        assigned = select(users.c.id).where(users.c.id == user_id, users.c.role == Role.ADMINISTRATOR.value)
        by_group = (
            select(group_members.c.user_id)
            .join(groups, groups.c.id == group_members.c.group_id)
            .where(
                group_members.c.user_id == user_id,
                groups.c.makes_administrators,
                groups.c.source != MemberSource.LOCAL.value,
                groups.c.id.not_in(group_ids),
            )
        )
        return self._connection.scalar(select(or_(assigned.exists(), by_group.exists()))) is True


def group_of(row: Row[*tuple[Any, ...]]) -> Group:
    """Return the group in a row that has the columns of `GROUP`."""
    return Group(
        GroupId(row.id),
        row.name,
        MemberSource(row.source),
        row.provider,
        row.external_id,
        row.description,
        row.makes_administrators,
    )


def add_group(group: Group, *, at: datetime) -> RowChange:
    """Return the change that inserts a group."""
    row = {
        "id": group.id,
        "name": group.name,
        "source": group.source.value,
        "provider": group.provider,
        "external_id": group.external_id,
        "description": group.description,
        "makes_administrators": group.makes_administrators,
        "created_at": at,
        "updated_at": at,
    }
    return RowChange(_ADD, row)


def change_group(group: Group, *, at: datetime) -> RowChange:
    """Return the change that replaces everything of a group but its id and source."""
    row = {
        "changed_id": group.id,
        "new_name": group.name,
        "new_external_id": group.external_id,
        "new_description": group.description,
        "new_makes_administrators": group.makes_administrators,
        "new_updated_at": at,
    }
    return RowChange(_CHANGE, row)


def delete_group(group_id: GroupId) -> RowChange:
    """Return the change that deletes a group; its members and memberships go with it."""
    return RowChange(_DELETE, {"ended_id": group_id})


def add_group_member(group_id: GroupId, user_id: UserId, *, at: datetime) -> RowChange:
    """Return the change that makes a user a member of a group."""
    return RowChange(_ADD_MEMBER, {"group_id": group_id, "user_id": user_id, "added_at": at})


def remove_group_member(group_id: GroupId, user_id: UserId) -> RowChange:
    """Return the change that removes a member of a group."""
    return RowChange(_REMOVE_MEMBER, {"group": group_id, "user": user_id})


def add_group_membership(
    group_id: GroupId,
    tenant_id: TenantId,
    permission_set: PermissionSet,
    ends_at: datetime | None,
    *,
    at: datetime,
) -> RowChange:
    """Return the change that makes the users of a group members of a tenant."""
    row = {
        "group_id": group_id,
        "tenant_id": tenant_id,
        "ends_at": ends_at,
        "created_at": at,
        **membership_columns(permission_set),
    }
    return RowChange(_ADD_MEMBERSHIP, row)


def change_group_membership(
    group_id: GroupId, tenant_id: TenantId, permission_set: PermissionSet, ends_at: datetime | None
) -> RowChange:
    """Return the change that gives a group's membership another permission set and end."""
    columns = {f"new_{name}": value for name, value in membership_columns(permission_set).items()}
    row = {"group": group_id, "tenant": tenant_id, "new_ends_at": ends_at, **columns}
    return RowChange(_CHANGE_MEMBERSHIP, row)


def remove_group_membership(group_id: GroupId, tenant_id: TenantId) -> RowChange:
    """Return the change that ends a group's membership of a tenant."""
    return RowChange(_REMOVE_MEMBERSHIP, {"group": group_id, "tenant": tenant_id})


def end_administration_by(group_id: GroupId) -> RowChange:
    """Return the change that ends what was authorized by members whom only this group makes Administrators.

    It comes before the change that takes the group or its flag away.
    """
    return RowChange(_END_ADMINISTRATION_BY, {"ended_group": group_id})


def record_match(group_id: GroupId, *, at: datetime, stale_before: datetime) -> RowChange:
    """Return the change that records that a sign-in had the group's claim, unless one did lately."""
    return RowChange(_RECORD_MATCH, {"matched_id": group_id, "matched_at": at, "stale_before": stale_before})
