"""Queries for groups, their members, and the memberships that they give."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from daypass.portal.admin.groups.model import GroupQuery, GroupRecord, UserByGroup
from daypass.portal.groups.model import Group, GroupMember, GroupMembership, MemberSource
from daypass.portal.groups.store import GROUP, group_of
from daypass.portal.identity.model import UserId
from daypass.portal.identity.store.users import user_of
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import (
    GROUP_SET,
    IS_SET_OF_GROUP,
    group_membership_set,
    group_sets,
)
from daypass.portal.storage.pagination import Order, Page, PageRequest, count_found, read_page
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import user_kind, user_role, users
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.storage.search import contains
from daypass.portal.tenants.model import GroupId, TenantId
from daypass.portal.tenants.store import TENANT, tenant_of


def _number_of(table: Any) -> ColumnElement[int]:  # noqa: ANN401  one of two tables
    query = select(func.count()).select_from(table).where(table.c.group_id == groups.c.id)
    return query.correlate(groups).scalar_subquery()


_GROUPS = select(
    *GROUP,
    groups.c.created_at,
    groups.c.updated_at,
    groups.c.last_matched_at,
    _number_of(group_members).label("members"),
    _number_of(group_memberships).label("memberships"),
)

_MEMBERS = (
    select(users.c.id, users.c.username, user_role, user_kind, group_members.c.added_at)
    .select_from(group_members)
    .join(users, users.c.id == group_members.c.user_id)
)

# The group's columns have other names than those of the tenant.
_GROUP = tuple(column.label(f"of_group_{column.key}") for column in GROUP)
_MEMBERSHIPS = (
    select(
        *_GROUP,
        *TENANT,
        *GROUP_SET,
        group_memberships.c.created_at,
        group_memberships.c.ends_at,
    )
    .select_from(group_memberships)
    .join(groups, groups.c.id == group_memberships.c.group_id)
    .join(tenants, tenants.c.id == group_memberships.c.tenant_id)
    .outerjoin(group_sets, IS_SET_OF_GROUP)
)

_USERS_BY_GROUP = (
    select(users.c.id, users.c.username, *_GROUP, *GROUP_SET, group_memberships.c.ends_at)
    .select_from(group_memberships)
    .join(groups, groups.c.id == group_memberships.c.group_id)
    .join(group_members, group_members.c.group_id == groups.c.id)
    .join(users, users.c.id == group_members.c.user_id)
    .outerjoin(group_sets, IS_SET_OF_GROUP)
)


_BY_NAME = (groups.c.name, groups.c.id)
"""A total order: groups of several sources can have the same name."""


class GroupList:
    """Reads groups for Administrators."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str) -> Sequence[GroupRecord]:
        """Return the group with that id, or else every group with that name: providers can have the same."""
        for column in (groups.c.id, groups.c.name):
            rows = self._connection.execute(_GROUPS.where(column == reference).order_by(groups.c.id)).all()
            if rows:
                return [_group(row) for row in rows]
        return ()

    def making_administrators(self) -> Sequence[Group]:
        """Return the groups that make their members Administrators."""
        rows = self._connection.execute(select(*GROUP).where(groups.c.makes_administrators))
        return [group_of(row) for row in rows]

    def is_taken(self, provider: str, name: str) -> bool:
        """Return whether the provider has a group of that name; "" is for local groups."""
        query = select(groups.c.id).where(groups.c.provider == provider, groups.c.name == name)
        return self._connection.scalar(query) is not None

    def page(self, query: GroupQuery, page_request: PageRequest) -> Page[GroupRecord]:
        """Return a page of groups, by name and id."""
        order = Order((groups.c.name, groups.c.id))
        return read_page(self._connection, self._where(_GROUPS, query), order, page_request, _group)

    def count(self, query: GroupQuery) -> int:
        """Return the number on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        is_all = query == GroupQuery()
        return self._count(self._where(select(groups.c.id), query), is_exact=is_all)

    def members(self, group_id: GroupId, search: str, page_request: PageRequest) -> Page[GroupMember]:
        """Return a page of a group's members, by username."""
        query = self._named(_MEMBERS.where(group_members.c.group_id == group_id), users.c.username, search)
        return read_page(self._connection, query, Order((users.c.username,)), page_request, _member)

    def count_members(self, group_id: GroupId, search: str) -> int:
        """Return the number of members on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        members = select(users.c.id).join(group_members, group_members.c.user_id == users.c.id)
        query = self._named(members.where(group_members.c.group_id == group_id), users.c.username, search)
        return self._count(query, is_exact=not search)

    def find_member(self, group_id: GroupId, user_id: UserId) -> GroupMember | None:
        """Return one member, or None."""
        conditions = (group_members.c.group_id == group_id, group_members.c.user_id == user_id)
        row = self._connection.execute(_MEMBERS.where(*conditions)).first()
        return None if row is None else _member(row)

    def has_members(self, group_id: GroupId) -> bool:
        """Return whether the group has a member."""
        query = select(group_members.c.user_id).where(group_members.c.group_id == group_id).limit(1)
        return self._connection.scalar(query) is not None

    def of_user(self, user_id: UserId) -> Sequence[GroupRecord]:
        """Return all groups of a user, by name."""
        ids = select(group_members.c.group_id).where(group_members.c.user_id == user_id)
        rows = self._connection.execute(_GROUPS.where(groups.c.id.in_(ids)).order_by(*_BY_NAME))
        return [_group(row) for row in rows]

    def memberships(self, group_id: GroupId, search: str, page_request: PageRequest) -> Page[GroupMembership]:
        """Return a page of a group's memberships, by tenant name."""
        is_of_group = group_memberships.c.group_id == group_id
        query = self._named(_MEMBERSHIPS.where(is_of_group), tenants.c.name, search)
        return read_page(self._connection, query, Order((tenants.c.name,)), page_request, _membership)

    def count_memberships(self, group_id: GroupId, search: str) -> int:
        """Return the number of memberships on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        query = select(tenants.c.id).join(group_memberships, group_memberships.c.tenant_id == tenants.c.id)
        query = self._named(query.where(group_memberships.c.group_id == group_id), tenants.c.name, search)
        return self._count(query, is_exact=not search)

    def find_membership(self, group_id: GroupId, tenant_id: TenantId) -> GroupMembership | None:
        """Return the membership that a group gives to a tenant, or None."""
        conditions = (group_memberships.c.group_id == group_id, group_memberships.c.tenant_id == tenant_id)
        row = self._connection.execute(_MEMBERSHIPS.where(*conditions)).first()
        return None if row is None else _membership(row)

    def of_tenant(self, tenant_id: TenantId) -> Sequence[GroupMembership]:
        """Return the memberships of all groups in a tenant, also ended ones, by group name."""
        query = _MEMBERSHIPS.where(group_memberships.c.tenant_id == tenant_id)
        return [_membership(row) for row in self._connection.execute(query.order_by(*_BY_NAME))]

    def memberships_of_user(self, user_id: UserId) -> Sequence[GroupMembership]:
        """Return what all groups of a user give, also ended memberships, by tenant and group name."""
        ids = select(group_members.c.group_id).where(group_members.c.user_id == user_id)
        query = _MEMBERSHIPS.where(group_memberships.c.group_id.in_(ids))
        rows = self._connection.execute(query.order_by(tenants.c.name, *_BY_NAME))
        return [_membership(row) for row in rows]

    def users_of_tenant(
        self, tenant_id: TenantId, search: str, page_request: PageRequest
    ) -> Page[UserByGroup]:
        """Return a page of the users with access to a tenant by a group, by username and group name.

        A user of two groups is there twice, and one whose membership has ended is there, too.
        """
        query = self._named(
            _USERS_BY_GROUP.where(group_memberships.c.tenant_id == tenant_id), users.c.username, search
        )
        # Providers can have groups of the same name, so the id comes last.
        order = Order((users.c.username, _GROUP[1], _GROUP[0]))
        return read_page(self._connection, query, order, page_request, _user_by_group)

    def count_users_of_tenant(self, tenant_id: TenantId, search: str) -> int:
        """Return the number of rows on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        of_tenant = (
            select(group_members.c.user_id)
            .select_from(group_memberships)
            .join(group_members, group_members.c.group_id == group_memberships.c.group_id)
            .join(users, users.c.id == group_members.c.user_id)
            .where(group_memberships.c.tenant_id == tenant_id)
        )
        return self._count(self._named(of_tenant, users.c.username, search), is_exact=not search)

    def _count(self, query: Select[Any], *, is_exact: bool) -> int:
        if not is_exact:
            return count_found(self._connection, query)
        return self._connection.scalar(select(func.count()).select_from(query.subquery())) or 0

    def _where(self, statement: Select[Any], query: GroupQuery) -> Select[Any]:
        if query.search:
            # The names of groups have capitals, other than usernames. The second condition is for letters
            # outside ASCII, which SQLite's lower() leaves as they are.
            lower = contains(self._connection, func.lower(groups.c.name), query.search.lower())
            statement = statement.where(or_(lower, contains(self._connection, groups.c.name, query.search)))
        if query.source is not None:
            statement = statement.where(groups.c.source == query.source.value)
        if query.provider is not None:
            statement = statement.where(groups.c.provider == query.provider)
        return statement

    def _named(self, statement: Select[Any], column: ColumnElement[str], search: str) -> Select[Any]:
        return statement.where(contains(self._connection, column, search)) if search else statement


def _group(row: Row[*tuple[Any, ...]]) -> GroupRecord:
    return GroupRecord(
        group_of(row), row.created_at, row.updated_at, row.last_matched_at, row.members, row.memberships
    )


def _member(row: Row[*tuple[Any, ...]]) -> GroupMember:
    return GroupMember(user_of(row.id, row.username, row.role, row.user_kind), row.added_at)


def _membership(row: Row[*tuple[Any, ...]]) -> GroupMembership:
    return GroupMembership(_group_in(row), tenant_of(row), _set_in(row), row.created_at, row.ends_at)


def _user_by_group(row: Row[*tuple[Any, ...]]) -> UserByGroup:
    return UserByGroup(row.id, row.username, _group_in(row), _set_in(row), row.ends_at)


def _set_in(row: Row[*tuple[Any, ...]]) -> PermissionSet:
    permission_set = group_membership_set(row)
    if permission_set is None:
        # The foreign key keeps a set that a membership has, so only a change by hand leads here.
        raise LookupError("a membership of a group has no permission set")
    return permission_set


def _group_in(row: Row[*tuple[Any, ...]]) -> Group:
    return Group(
        id=row.of_group_id,
        name=row.of_group_name,
        source=MemberSource(row.of_group_source),
        provider=row.of_group_provider,
        external_id=row.of_group_external_id,
        description=row.of_group_description,
        makes_administrators=row.of_group_makes_administrators,
    )
