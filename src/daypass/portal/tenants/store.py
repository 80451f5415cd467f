"""The database access for tenants and memberships."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, or_, select, union_all, update

from daypass.portal.accounts.model import account_id_of
from daypass.portal.permission_sets.model import BUILT_IN, PermissionSet
from daypass.portal.permission_sets.store import (
    GROUP_SET,
    IS_SET_OF_GROUP,
    IS_SET_OF_MEMBERSHIP,
    MEMBERSHIP_SET,
    group_membership_set,
    group_sets,
    membership_columns,
    membership_set,
)
from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.tenants import memberships, permission_sets, tenants
from daypass.portal.storage.search import contains
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Access, GroupAccess, GroupId, Tenant, TenantAccess, TenantId

TENANT = (tenants.c.id, tenants.c.name, tenants.c.region, tenants.c.role_arn, tenants.c.external_id)
"""The columns that `tenant_of` needs."""

_TENANT_ACCESS = select(*TENANT, *MEMBERSHIP_SET).select_from(
    tenants.outerjoin(
        memberships,
        and_(memberships.c.tenant_id == tenants.c.id, memberships.c.user_id == bindparam("user")),
    ).outerjoin(permission_sets, IS_SET_OF_MEMBERSHIP)
)

_FIND = _TENANT_ACCESS.where(
    or_(tenants.c.name == bindparam("reference"), tenants.c.id == bindparam("reference"))
)

_MEMBERSHIP = and_(
    memberships.c.tenant_id == bindparam("tenant"),
    # A transaction that releases credentials to this user has locked the user's row; this waits for it.
    memberships.c.user_id.in_(
        select(users.c.id).where(users.c.id == bindparam("user")).with_for_update(key_share=True)
    ),
)

_ADD = insert(tenants)
_ADD_MEMBER = insert(memberships)
_CHANGE_MEMBER = (
    update(memberships)
    .where(_MEMBERSHIP)
    .values(is_read_only=bindparam("new_is_read_only"), permission_set_id=bindparam("new_permission_set_id"))
)
_REMOVE_MEMBER = delete(memberships).where(_MEMBERSHIP)

_GROUPS_OF_USERS = group_members.join(
    group_memberships, group_memberships.c.group_id == group_members.c.group_id
).join(groups, groups.c.id == group_members.c.group_id)

GROUP_ACCESS = (
    groups.c.id.label("group_id"),
    groups.c.name.label("group_name"),
    group_memberships.c.ends_at.label("group_ends_at"),
    *GROUP_SET,
)
"""The columns that `group_access` needs; join `group_sets` by `IS_SET_OF_GROUP`."""

_NOW = bindparam("now", type_=UtcDateTime)
_HAS_NOT_ENDED = or_(group_memberships.c.ends_at.is_(None), group_memberships.c.ends_at > _NOW)

_OWN_IDS = union_all(
    select(memberships.c.tenant_id).where(memberships.c.user_id == bindparam("user")),
    select(group_memberships.c.tenant_id)
    .select_from(_GROUPS_OF_USERS)
    .where(group_members.c.user_id == bindparam("user"), _HAS_NOT_ENDED),
)
_GROUP_ACCESS = (
    select(group_memberships.c.tenant_id, *GROUP_ACCESS)
    .select_from(_GROUPS_OF_USERS.outerjoin(group_sets, IS_SET_OF_GROUP))
    .where(group_members.c.user_id == bindparam("user"), _HAS_NOT_ENDED)
    .order_by(groups.c.name)
)

_ALL = _TENANT_ACCESS.order_by(tenants.c.name)
_IS_OWN = tenants.c.id.in_(_OWN_IDS)
_OWN = _ALL.where(_IS_OWN)

_MANY = 200
"""The number of tenants above which the memberships by groups are read for all tenants."""


class TenantStore:
    """The tenants in the database, each with one user's membership.

    Memberships by groups are read for a user's own tenants only: the access of an Administrator does not
    depend on them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str, user_id: str, now: datetime) -> TenantAccess | None:
        """Return the tenant with this name or id, whether or not the user is a member."""
        row = self._connection.execute(_FIND, {"reference": reference, "user": user_id}).first()
        return None if row is None else self._with_groups([_tenant_access(row)], user_id, now)[0]

    def list_for(self, user_id: str, now: datetime) -> Sequence[TenantAccess]:
        """Return the tenants that the user is a member of, by name."""
        rows = self._connection.execute(_OWN, {"user": user_id, "now": now})
        return self._with_groups([_tenant_access(row) for row in rows], user_id, now)

    def list_all(self, user_id: str) -> Sequence[TenantAccess]:
        """Return all tenants by name, with the user's membership if there is one."""
        return [_tenant_access(row) for row in self._connection.execute(_ALL, {"user": user_id})]

    def search(
        self, user_id: str, text: str, number: int, member_at: datetime | None
    ) -> Sequence[TenantAccess]:
        """Return up to *number* tenants whose names contain *text*.

        With a time, these are only the tenants that the user is a member of at *member_at*.
        """
        query = (_ALL if member_at is None else _OWN).limit(number)
        if text:
            query = query.where(contains(self._connection, tenants.c.name, text.lower()))
        rows = self._connection.execute(query, {"user": user_id, "now": member_at})
        return self._with_groups([_tenant_access(row) for row in rows], user_id, member_at)

    def page(
        self, user_id: str, text: str, request: PageRequest, member_at: datetime | None
    ) -> Page[TenantAccess]:
        """Return a page of the tenants whose names contain *text*; *member_at* is as for `search`."""
        query = _TENANT_ACCESS if member_at is None else _TENANT_ACCESS.where(_IS_OWN)
        query = query.params(user=user_id, now=member_at)
        if text:
            query = query.where(contains(self._connection, tenants.c.name, text.lower()))
        page = read_page(self._connection, query, Order((tenants.c.name,)), request, _tenant_access)
        return Page(self._with_groups(page.records, user_id, member_at), page.next_cursor)

    def _with_groups(
        self, found: Sequence[TenantAccess], user_id: str, now: datetime | None
    ) -> Sequence[TenantAccess]:
        """Return the tenants with the memberships that groups give the user; as they are without *now*."""
        if now is None or not found:
            return found
        query = _GROUP_ACCESS
        if len(found) <= _MANY:
            query = query.where(group_memberships.c.tenant_id.in_([each.tenant.id for each in found]))
        by_tenant: dict[str, list[GroupAccess]] = {}
        for row in self._connection.execute(query, {"user": user_id, "now": now}):
            access = group_access(row)
            if access is not None:
                by_tenant.setdefault(row.tenant_id, []).append(access)
        if not by_tenant:
            return found
        return [replace(each, by_groups=tuple(by_tenant.get(each.tenant.id, ()))) for each in found]

    def names(self) -> Sequence[str]:
        """Return the names of all tenants, sorted."""
        return self._connection.scalars(select(tenants.c.name).order_by(tenants.c.name)).all()

    def overlapping(self, name: str, account_id: str) -> Sequence[str]:
        """Return the tenants of an account whose names begin with *name* and a dash, sorted."""
        c = tenants.c
        is_longer = c.name.startswith(f"{name}-", autoescape=True)
        rows = self._connection.execute(select(c.name, c.role_arn).where(is_longer).order_by(c.name))
        return [row.name for row in rows if account_id_of(row.role_arn) == account_id]

    def add(self, tenant: Tenant, now: datetime) -> None:
        """Add a tenant; the caller has checked its name."""
        add_tenant(tenant, at=now).apply(self._connection)

    def add_member(self, tenant_id: TenantId, user_id: str, access: Access, now: datetime) -> None:
        """Make a user a member with a built-in set; raises an `IntegrityError` for a member."""
        add_member(tenant_id, user_id, BUILT_IN[access], at=now).apply(self._connection)


def add_tenant(tenant: Tenant, *, at: datetime) -> RowChange:
    """Return the change that inserts a tenant."""
    row = {
        "id": tenant.id,
        "name": tenant.name,
        "region": tenant.target.region,
        "role_arn": tenant.target.role_arn,
        "external_id": tenant.target.external_id,
        "created_at": at,
    }
    return RowChange(_ADD, row)


def tenant_of(row: Row[*tuple[Any, ...]]) -> Tenant:
    """Return the tenant in a row that has the columns of `TENANT`."""
    return Tenant.with_role(TenantId(row.id), row.name, row.region, row.role_arn, row.external_id)


def add_member(
    tenant_id: TenantId, user_id: str, permission_set: PermissionSet, *, at: datetime
) -> RowChange:
    """Return the change that makes a user a member of a tenant."""
    row = {
        "tenant_id": tenant_id,
        "user_id": user_id,
        "created_at": at,
        **membership_columns(permission_set),
    }
    return RowChange(_ADD_MEMBER, row)


def change_member(tenant_id: TenantId, user_id: str, permission_set: PermissionSet) -> RowChange:
    """Return the change that gives a member another permission set."""
    columns = {f"new_{name}": value for name, value in membership_columns(permission_set).items()}
    return RowChange(_CHANGE_MEMBER, {"user": user_id, "tenant": tenant_id, **columns})


def remove_member(tenant_id: TenantId, user_id: str) -> RowChange:
    """Return the change that removes a member of a tenant."""
    return RowChange(_REMOVE_MEMBER, {"user": user_id, "tenant": tenant_id})


def group_access(row: Row[*tuple[Any, ...]]) -> GroupAccess | None:
    """Return the membership by a group in a row that has the columns of `GROUP_ACCESS`; None without one."""
    permission_set = group_membership_set(row)
    if permission_set is None:
        return None
    return GroupAccess(GroupId(row.group_id), row.group_name, permission_set, row.group_ends_at)


def _tenant_access(row: Row[*tuple[Any, ...]]) -> TenantAccess:
    return TenantAccess(tenant_of(row), membership_set(row))
