"""Users and their memberships, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, select, update

from daypass.portal.admin.model import MemberRecord, UserRecord, UserSort
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.storage.page import Order, Page, Turn, read_page
from daypass.portal.storage.schema import api_tokens, memberships, tenants, users
from daypass.portal.tenants.model import Access, Tenant, TenantId

CHANGE_USER = (
    update(users)
    .where(users.c.id == bindparam("changed_id"))
    .values(role=bindparam("new_role"), disabled_at=bindparam("new_disabled_at"))
)

SET_PASSWORD = (
    update(users)
    .where(users.c.id == bindparam("changed_id"))
    .values(password_hash=bindparam("new_password_hash"))
)

DELETE_USER = delete(users).where(users.c.id == bindparam("ended_id"))
"""Ends a user; tokens and memberships go with the row, and what was handed out stays on record."""

END_TOKENS = (
    update(api_tokens)
    .where(api_tokens.c.user_id == bindparam("owner_id"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("ended_at"))
)
"""Ends whatever stands for a user."""

END_SIGN_INS = END_TOKENS.where(api_tokens.c.kind != TokenKind.PERMANENT.value)
"""Ends whatever stands on a sign-in of a user."""

_USER = (
    users.c.id,
    users.c.username,
    users.c.role,
    users.c.created_at,
    users.c.disabled_at,
    users.c.last_sign_in_at,
    users.c.password_hash.is_not(None).label("has_password"),
)

_ORDERS = {
    UserSort.USERNAME: (users.c.username,),
    UserSort.CREATED: (users.c.created_at, users.c.id),
}

_MEMBER = (
    memberships.c.user_id,
    users.c.username,
    users.c.role,
    tenants.c.id,
    tenants.c.name,
    tenants.c.region,
    tenants.c.role_arn,
    tenants.c.external_id,
    memberships.c.is_read_only,
    memberships.c.created_at,
)

_MEMBERS = (
    select(*_MEMBER)
    .select_from(memberships)
    .join(users, users.c.id == memberships.c.user_id)
    .join(tenants, tenants.c.id == memberships.c.tenant_id)
)


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users, and in which order."""

    search: str = ""
    """A part of the username."""
    role: Role | None = None
    is_disabled: bool | None = None
    sort: UserSort = UserSort.USERNAME
    is_descending: bool = False


class UserList:
    """Users as Administrators see them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str) -> UserRecord | None:
        """The user of that id or canonical name; the id wins."""
        for column in (users.c.id, users.c.username):
            row = self._connection.execute(select(*_USER).where(column == reference)).first()
            if row is not None:
                return _user(row)
        return None

    def page(self, query: UserQuery, turn: Turn) -> Page[UserRecord]:
        """A page of users."""
        order = Order(_ORDERS[query.sort], query.is_descending)
        return read_page(self._connection, self._where(select(*_USER), query), order, turn, _user)

    def count(self, query: UserQuery) -> int:
        """How many there are on all pages."""
        return self._connection.scalar(self._where(select(func.count(users.c.id)), query)) or 0

    def _where(self, statement: Select[Any], query: UserQuery) -> Select[Any]:
        if query.search:
            find = func.instr if self._connection.dialect.name == "sqlite" else func.strpos
            statement = statement.where(find(users.c.username, query.search) > 0)
        if query.role is not None:
            statement = statement.where(users.c.role == query.role.value)
        if query.is_disabled is not None:
            is_disabled = users.c.disabled_at.is_not(None)
            statement = statement.where(is_disabled if query.is_disabled else ~is_disabled)
        return statement


class MemberList:
    """Memberships."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId, tenant_id: TenantId) -> MemberRecord | None:
        """A user's membership in a tenant, if there is one."""
        row = self._connection.execute(
            _MEMBERS.where(memberships.c.user_id == user_id, memberships.c.tenant_id == tenant_id)
        ).first()
        return None if row is None else _member(row)

    def of_user(self, user_id: UserId) -> Sequence[MemberRecord]:
        """All tenants of a user, by name."""
        rows = self._connection.execute(
            _MEMBERS.where(memberships.c.user_id == user_id).order_by(tenants.c.name)
        )
        return [_member(row) for row in rows]

    def of_tenant(self, tenant_id: TenantId, turn: Turn) -> Page[MemberRecord]:
        """A page of a tenant's members, by username."""
        query = _MEMBERS.where(memberships.c.tenant_id == tenant_id)
        return read_page(self._connection, query, Order((users.c.username,)), turn, _member)

    def page(self, turn: Turn) -> Page[MemberRecord]:
        """A page of all memberships, tenant by tenant."""
        order = Order((memberships.c.tenant_id, memberships.c.user_id))
        query = _MEMBERS.add_columns(memberships.c.tenant_id)
        return read_page(self._connection, query, order, turn, _member)


def _user(row: Row[*tuple[Any, ...]]) -> UserRecord:
    return UserRecord(
        User(UserId(row.id), row.username, Role(row.role)),
        row.created_at,
        row.disabled_at,
        row.last_sign_in_at,
        bool(row.has_password),
    )


def _member(row: Row[*tuple[Any, ...]]) -> MemberRecord:
    return MemberRecord(
        User(UserId(row.user_id), row.username, Role(row.role)),
        Tenant(TenantId(row.id), row.name, row.region, row.role_arn, row.external_id),
        Access.READ_ONLY if row.is_read_only else Access.FULL,
        row.created_at,
    )
