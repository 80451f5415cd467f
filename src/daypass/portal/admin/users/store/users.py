"""Queries and statements for users and their memberships."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, delete, func, or_, select, union_all, update
from sqlalchemy.sql.elements import ColumnElement

from daypass.portal.admin.model import MemberRecord, UserQuery, UserRecord, UserSort
from daypass.portal.identity.model import Role, TokenKind, UserId, UserKind
from daypass.portal.identity.store.users import user_of
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import IS_SET_OF_MEMBERSHIP, MEMBERSHIP_SET, membership_set
from daypass.portal.storage.pagination import COUNT_LIMIT, Order, Page, PageRequest, count_found, read_page
from daypass.portal.storage.schema.groups import group_members, group_memberships
from daypass.portal.storage.schema.identity import (
    administrator_group,
    api_tokens,
    is_administrator,
    last_sign_in,
    user_kind,
    user_role,
    users,
)
from daypass.portal.storage.schema.tenants import memberships, permission_sets, tenants
from daypass.portal.storage.search import contains
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import TenantId
from daypass.portal.tenants.store import TENANT, tenant_of

# SQLAlchemy reserves the names of columns for the new values of an UPDATE, so the parameters of the
# conditions have other names.
_CHANGE = (
    update(users)
    .where(users.c.id == bindparam("changed_id"))
    .values(role=bindparam("new_role"), disabled_at=bindparam("new_disabled_at"))
)

_DESCRIBE = (
    update(users)
    .where(users.c.id == bindparam("changed_id"))
    .values(owner_id=bindparam("new_owner_id"), description=bindparam("new_description"))
)

_owners = users.alias("owners")
_OWNER = select(_owners.c.username).where(_owners.c.id == users.c.owner_id).correlate(users).scalar_subquery()

_SET_PASSWORD = (
    update(users)
    .where(users.c.id == bindparam("changed_id"))
    # Only people sign in: a service account that gets a password becomes a person.
    .values(
        password_hash=bindparam("new_password_hash"),
        kind=UserKind.PERSON.value,
        owner_id=None,
        description="",
    )
)

_DELETE = delete(users).where(users.c.id == bindparam("ended_id"))

_REVOKE_TOKENS = (
    update(api_tokens)
    .where(api_tokens.c.user_id == bindparam("owner_id"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("ended_at"))
)
_REVOKE_SIGN_INS = _REVOKE_TOKENS.where(api_tokens.c.kind != TokenKind.PERMANENT.value)
_LAST_SIGN_IN = last_sign_in.label("sorted_by_sign_in")

_USER = (
    users.c.id,
    users.c.username,
    user_role,
    user_kind,
    users.c.role.label("assigned_role"),
    administrator_group.label("administrator_group"),
    users.c.created_at,
    users.c.disabled_at,
    users.c.last_sign_in_at,
    users.c.password_hash.is_not(None).label("has_password"),
    _OWNER.label("owner"),
    users.c.description,
    users.c.is_break_glass,
    _LAST_SIGN_IN,
)

_ORDERS = {
    UserSort.USERNAME: (users.c.username,),
    UserSort.CREATED: (users.c.created_at, users.c.id),
    UserSort.LAST_SIGN_IN: (_LAST_SIGN_IN, users.c.id),
}

_MEMBER = (
    memberships.c.user_id,
    users.c.username,
    user_role,
    user_kind,
    *TENANT,
    *MEMBERSHIP_SET,
    memberships.c.created_at,
)

_MEMBERS = (
    select(*_MEMBER)
    .select_from(memberships)
    .join(users, users.c.id == memberships.c.user_id)
    .join(tenants, tenants.c.id == memberships.c.tenant_id)
    .outerjoin(permission_sets, IS_SET_OF_MEMBERSHIP)
)


class UserList:
    """Reads users."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str) -> UserRecord | None:
        """Return the user with that id or canonical name, or None; an id takes precedence."""
        for column in (users.c.id, users.c.username):
            row = self._connection.execute(select(*_USER).where(column == reference)).first()
            if row is not None:
                return _user(row)
        return None

    def by_names(self, usernames: Collection[str]) -> Mapping[str, UserRecord]:
        """Return the existing users among these canonical names, by name."""
        rows = self._connection.execute(select(*_USER).where(users.c.username.in_(usernames)))
        return {row.username: _user(row) for row in rows}

    def page(self, query: UserQuery, page_request: PageRequest) -> Page[UserRecord]:
        """Return a page of users."""
        order = Order(_ORDERS[query.sort], query.is_descending)
        return read_page(self._connection, self._where(select(*_USER), query), order, page_request, _user)

    def count(self, query: UserQuery) -> int:
        """Return the number on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        if query.search:
            return count_found(self._connection, self._where(select(users.c.username), query))
        return self._connection.scalar(self._where(select(func.count()).select_from(users), query)) or 0

    def _where(self, statement: Select[Any], query: UserQuery) -> Select[Any]:
        if query.search:
            statement = statement.where(contains(self._connection, users.c.username, query.search))
        if query.role is not None:
            wants_administrators = query.role is Role.ADMINISTRATOR
            statement = statement.where(is_administrator if wants_administrators else ~is_administrator)
        if query.is_disabled is not None:
            is_disabled = users.c.disabled_at.is_not(None)
            statement = statement.where(is_disabled if query.is_disabled else ~is_disabled)
        if query.kind is not None:
            statement = statement.where(user_kind == query.kind.value)
        return statement


class MemberList:
    """Reads memberships."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId, tenant_id: TenantId) -> MemberRecord | None:
        """Return a user's membership in a tenant, or None."""
        row = self._connection.execute(
            _MEMBERS.where(memberships.c.user_id == user_id, memberships.c.tenant_id == tenant_id)
        ).first()
        return None if row is None else _member(row)

    def of_user(self, user_id: UserId) -> Sequence[MemberRecord]:
        """Return all memberships of a user, by tenant name."""
        rows = self._connection.execute(
            _MEMBERS.where(memberships.c.user_id == user_id).order_by(tenants.c.name)
        )
        return [_member(row) for row in rows]

    def sets_of(self, user_ids: Collection[UserId]) -> Mapping[tuple[UserId, str], PermissionSet]:
        """Return the permission sets of these users, by user id and tenant name."""
        rows = self._connection.execute(
            select(memberships.c.user_id, tenants.c.name, *MEMBERSHIP_SET)
            .select_from(memberships)
            .join(tenants, tenants.c.id == memberships.c.tenant_id)
            .outerjoin(permission_sets, IS_SET_OF_MEMBERSHIP)
            .where(memberships.c.user_id.in_(user_ids))
        )
        return {(UserId(row.user_id), row.name): _set_of(row) for row in rows}

    def of_user_page(self, user_id: UserId, search: str, page_request: PageRequest) -> Page[MemberRecord]:
        """Return a page of a user's memberships, by tenant name; *search* is a substring of the name."""
        query = self._of_user(_MEMBERS, user_id, search)
        return read_page(self._connection, query, Order((tenants.c.name,)), page_request, _member)

    def count_of_user(self, user_id: UserId, search: str) -> int:
        """Return the number of a user's memberships on all pages."""
        query = select(func.count()).select_from(memberships)
        if search:
            query = query.join(tenants, tenants.c.id == memberships.c.tenant_id)
        return self._connection.scalar(self._of_user(query, user_id, search)) or 0

    def reads_only(self, user_id: UserId, now: datetime) -> bool:
        """Return whether a user has memberships, of their own or by groups, and all are read-only."""
        # NULL, the value of a custom set, is not read-only. The first row is 1 only if all are.
        own = select(case((memberships.c.is_read_only, 1), else_=0).label("is_read_only"))
        by_groups = select(case((group_memberships.c.is_read_only, 1), else_=0)).join(
            group_members, group_members.c.group_id == group_memberships.c.group_id
        )
        ends_at = group_memberships.c.ends_at
        every = union_all(
            own.where(memberships.c.user_id == user_id),
            by_groups.where(group_members.c.user_id == user_id, or_(ends_at.is_(None), ends_at > now)),
        )
        return bool(self._connection.scalar(every.order_by("is_read_only").limit(1)))

    def of_tenant(self, tenant_id: TenantId, search: str, page_request: PageRequest) -> Page[MemberRecord]:
        """Return a page of a tenant's members, by username; *search* is a substring of it."""
        order = Order((users.c.username,))
        if not self._is_crowded(tenant_id):
            query = self._named(_MEMBERS.where(memberships.c.tenant_id == tenant_id), search)
            return read_page(self._connection, query, order, page_request, _member)
        of_tenant = select(users.c.id, users.c.username).where(_is_member_of(tenant_id))
        ids = read_page(
            self._connection, self._named(of_tenant, search), order, page_request, lambda row: row.id
        )
        rows = self._connection.execute(
            _MEMBERS.where(memberships.c.tenant_id == tenant_id, memberships.c.user_id.in_(ids.records))
        )
        members = {row.user_id: _member(row) for row in rows}
        # A member may have been removed between the two reads.
        return Page([members[id_] for id_ in ids.records if id_ in members], ids.next_cursor)

    def count_of_tenant(self, tenant_id: TenantId, search: str) -> int:
        """Return the number on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        if not search:
            query = select(func.count()).select_from(memberships)
            return self._connection.scalar(query.where(memberships.c.tenant_id == tenant_id)) or 0
        if self._is_crowded(tenant_id):
            members = select(users.c.id).where(_is_member_of(tenant_id))
        else:
            members = select(users.c.id).join(memberships, memberships.c.user_id == users.c.id)
            members = members.where(memberships.c.tenant_id == tenant_id)
        return count_found(self._connection, self._named(members, search))

    def page(self, page_request: PageRequest) -> Page[MemberRecord]:
        """Return a page of all memberships, ordered by tenant id."""
        order = Order((memberships.c.tenant_id, memberships.c.user_id))
        # The cursor is made of the columns of the order, so both must be selected.
        query = _MEMBERS.add_columns(memberships.c.tenant_id)
        return read_page(self._connection, query, order, page_request, _member)

    def _of_user(self, statement: Select[Any], user_id: UserId, search: str) -> Select[Any]:
        statement = statement.where(memberships.c.user_id == user_id)
        return statement.where(contains(self._connection, tenants.c.name, search)) if search else statement

    def _is_crowded(self, tenant_id: TenantId) -> bool:
        """Return whether scanning all users by name is faster than sorting the tenant's members."""
        members = select(memberships.c.user_id).where(memberships.c.tenant_id == tenant_id)
        return count_found(self._connection, members) > COUNT_LIMIT

    def _named(self, statement: Select[Any], search: str) -> Select[Any]:
        return statement.where(contains(self._connection, users.c.username, search)) if search else statement


def change_user(record: UserRecord) -> RowChange:
    """Return the change that gives a user the assigned role of *record*, and disables or enables them."""
    row = {
        "changed_id": record.user.id,
        "new_role": record.assigned_role.value,
        "new_disabled_at": record.disabled_at,
    }
    return RowChange(_CHANGE, row)


def describe_user(user_id: UserId, owner_id: UserId | None, description: str) -> RowChange:
    """Return the change that replaces the owner and the description of a service account."""
    row = {"changed_id": user_id, "new_owner_id": owner_id, "new_description": description}
    return RowChange(_DESCRIBE, row)


def set_password(user_id: UserId, password_hash: str) -> RowChange:
    """Return the change that replaces the hash of a user's password."""
    return RowChange(_SET_PASSWORD, {"changed_id": user_id, "new_password_hash": password_hash})


def delete_user(user_id: UserId) -> RowChange:
    """Return the change that deletes a user with their tokens and memberships; their sessions stay."""
    return RowChange(_DELETE, {"ended_id": user_id})


def revoke_tokens(owner: UserId, *, at: datetime) -> RowChange:
    """Return the change that revokes all tokens and sign-ins of a user."""
    return RowChange(_REVOKE_TOKENS, {"owner_id": owner, "ended_at": at})


def revoke_sign_ins(owner: UserId, *, at: datetime) -> RowChange:
    """Return the change that revokes the sign-ins of a user, and the tokens derived from one."""
    return RowChange(_REVOKE_SIGN_INS, {"owner_id": owner, "ended_at": at})


def _is_member_of(tenant_id: TenantId) -> ColumnElement[bool]:
    """Return a correlated EXISTS. OFFSET 0 keeps query planners from turning it into a join and a sort."""
    membership = select(memberships.c.user_id).where(
        memberships.c.user_id == users.c.id, memberships.c.tenant_id == tenant_id
    )
    return membership.offset(0).correlate(users).exists()


def _user(row: Row[*tuple[Any, ...]]) -> UserRecord:
    return UserRecord(
        user_of(row.id, row.username, row.role, row.user_kind),
        row.created_at,
        row.disabled_at,
        row.last_sign_in_at,
        bool(row.has_password),
        Role(row.assigned_role),
        row.administrator_group,
        owner=row.owner,
        description=row.description,
        is_break_glass=bool(row.is_break_glass),
    )


def _member(row: Row[*tuple[Any, ...]]) -> MemberRecord:
    return MemberRecord(
        user_of(row.user_id, row.username, row.role, row.user_kind),
        tenant_of(row),
        _set_of(row),
        row.created_at,
    )


def _set_of(row: Row[*tuple[Any, ...]]) -> PermissionSet:
    found = membership_set(row)
    if found is None:
        # The foreign key keeps a set that a membership has, so only a change by hand leads here.
        raise LookupError("a membership has no permission set")
    return found
