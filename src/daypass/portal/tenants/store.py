"""Tenants and memberships, as rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, or_, select, update

from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema import memberships, tenants, users
from daypass.portal.storage.search import contains
from daypass.portal.tenants.model import Access, Tenant, TenantAccess, TenantId

TENANT = (tenants.c.id, tenants.c.name, tenants.c.region, tenants.c.role_arn, tenants.c.external_id)
"""What `tenant_of` reads."""

_AS_SEEN = select(*TENANT, memberships.c.is_read_only).select_from(
    tenants.outerjoin(
        memberships,
        and_(memberships.c.tenant_id == tenants.c.id, memberships.c.user_id == bindparam("user")),
    )
)

_FIND = _AS_SEEN.where(or_(tenants.c.name == bindparam("reference"), tenants.c.id == bindparam("reference")))

_THAT_MEMBER = and_(
    memberships.c.tenant_id == bindparam("tenant"),
    # Whoever is about to release something to this user holds their row; this waits for it.
    memberships.c.user_id.in_(
        select(users.c.id).where(users.c.id == bindparam("user")).with_for_update(key_share=True)
    ),
)

ADD_TENANT = insert(tenants)
ADD_MEMBER = insert(memberships)
CHANGE_MEMBER = update(memberships).where(_THAT_MEMBER).values(is_read_only=bindparam("new_is_read_only"))
REMOVE_MEMBER = delete(memberships).where(_THAT_MEMBER)

_ALL = _AS_SEEN.order_by(tenants.c.name)
_OWN = _ALL.where(memberships.c.user_id.is_not(None))


class TenantStore:
    """Tenants, each with how one user stands to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str, user_id: str) -> TenantAccess | None:
        """The tenant of that name or id, whether or not the user belongs to it."""
        row = self._connection.execute(_FIND, {"reference": reference, "user": user_id}).first()
        return None if row is None else _as_seen(row)

    def list_for(self, user_id: str) -> Sequence[TenantAccess]:
        """The tenants that a user is a member of, by name."""
        return [_as_seen(row) for row in self._connection.execute(_OWN, {"user": user_id})]

    def list_all(self, user_id: str) -> Sequence[TenantAccess]:
        """Every tenant, by name, with the user's own membership where there is one."""
        return [_as_seen(row) for row in self._connection.execute(_ALL, {"user": user_id})]

    def search(self, user_id: str, text: str, number: int, *, is_member: bool) -> Sequence[TenantAccess]:
        """The first tenants with *text* in their names, by name; of all, or of the user's own."""
        query = (_OWN if is_member else _ALL).limit(number)
        if text:
            query = query.where(contains(self._connection, tenants.c.name, text.lower()))
        return [_as_seen(row) for row in self._connection.execute(query, {"user": user_id})]

    def page(self, user_id: str, text: str, turn: PageRequest, *, is_member: bool) -> Page[TenantAccess]:
        """A page of the same, by name."""
        query = (_AS_SEEN.where(memberships.c.user_id.is_not(None)) if is_member else _AS_SEEN).params(
            user=user_id
        )
        if text:
            query = query.where(contains(self._connection, tenants.c.name, text.lower()))
        return read_page(self._connection, query, Order((tenants.c.name,)), turn, _as_seen)

    def names(self) -> Sequence[str]:
        """Every name that is taken."""
        return self._connection.scalars(select(tenants.c.name).order_by(tenants.c.name)).all()

    def add(self, tenant: Tenant, now: datetime) -> None:
        """Add a tenant whose name has been checked."""
        self._connection.execute(ADD_TENANT, tenant_row(tenant, now))

    def add_member(self, tenant_id: TenantId, user_id: str, access: Access, now: datetime) -> None:
        """Make a user a member; raises where they are one already."""
        self._connection.execute(ADD_MEMBER, member_row(tenant_id, user_id, access, now))


def tenant_row(tenant: Tenant, now: datetime) -> dict[str, object]:
    """What `ADD_TENANT` writes."""
    return {
        "id": tenant.id,
        "name": tenant.name,
        "region": tenant.region,
        "role_arn": tenant.role_arn,
        "external_id": tenant.external_id,
        "created_at": now,
    }


def tenant_of(row: Row[*tuple[Any, ...]]) -> Tenant:
    """The tenant in a row that has `TENANT`."""
    return Tenant(TenantId(row.id), row.name, row.region, row.role_arn, row.external_id)


def member_row(tenant_id: TenantId, user_id: str, access: Access, now: datetime) -> dict[str, object]:
    """What `ADD_MEMBER` writes."""
    return {
        "tenant_id": tenant_id,
        "user_id": user_id,
        "is_read_only": access is Access.READ_ONLY,
        "created_at": now,
    }


def _as_seen(row: Row[*tuple[Any, ...]]) -> TenantAccess:
    if row.is_read_only is None:
        return TenantAccess(tenant_of(row), None)
    return TenantAccess(tenant_of(row), Access.READ_ONLY if row.is_read_only else Access.FULL)
