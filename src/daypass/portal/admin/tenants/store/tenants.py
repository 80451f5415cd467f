"""Queries and statements for tenants."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, func, or_, select, update

from daypass.portal.access.model import State
from daypass.portal.accounts.model import SET_ROLE_PREFIX
from daypass.portal.admin.model import TenantQuery, TenantRecord, TenantSort
from daypass.portal.storage.pagination import Order, Page, PageRequest, count_found, read_page
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.tenants import memberships, tenants
from daypass.portal.storage.search import contains, is_storable
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TENANT, tenant_of

_CHANGE = (
    update(tenants)
    .where(tenants.c.id == bindparam("changed_id"))
    .values(
        region=bindparam("new_region"),
        role_arn=bindparam("new_role_arn"),
        external_id=bindparam("new_external_id"),
    )
)

_DELETE = delete(tenants).where(tenants.c.id == bindparam("ended_id"))
_DELETE_SETTINGS = delete(settings).where(settings.c.tenant_id == bindparam("ended_id"))
_DELETE_MEMBERS = delete(memberships).where(
    memberships.c.tenant_id == bindparam("ended_id"),
    # A request that is about to release credentials to a member locks the user's row; this waits for it.
    memberships.c.user_id.in_(
        select(users.c.id)
        .where(
            users.c.id.in_(
                select(memberships.c.user_id).where(memberships.c.tenant_id == bindparam("ended_id"))
            )
        )
        .with_for_update(key_share=True)
    ),
)

_LONGEST_SESSION = timedelta(hours=13)
"""A little more than AWS allows a role's session."""
# AWS takes signatures from a clock that is up to five minutes off.
_CLOCKS_MAY_DIFFER = timedelta(minutes=6)

_ENDS = func.max(issuances.c.expires_at).label("ends")
_ASKED = func.max(issuances.c.asked_at).label("asked")
_VALIDITY = func.max(issuances.c.validity).label("validity")

_TENANT = (*TENANT, tenants.c.created_at)

_ORDERS = {
    TenantSort.NAME: (tenants.c.name,),
    TenantSort.CREATED: (tenants.c.created_at, tenants.c.id),
}


class TenantList:
    """Reads tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, reference: str) -> TenantRecord | None:
        """Return the tenant with that id or name, or None."""
        row = self._connection.execute(
            # At most one tenant matches: an id has 36 characters, and a name has at most 32.
            select(*_TENANT).where(or_(tenants.c.id == reference, tenants.c.name == reference))
        ).first()
        return None if row is None else _record(row)

    def by_names(self, names: Collection[str]) -> Mapping[str, Tenant]:
        """Return the existing tenants among these names, by name."""
        storable = [name for name in names if is_storable(name)]
        rows = self._connection.execute(select(*_TENANT).where(tenants.c.name.in_(storable)))
        return {row.name: _record(row).tenant for row in rows}

    def page(self, query: TenantQuery, page_request: PageRequest) -> Page[TenantRecord]:
        """Return a page of tenants."""
        order = Order(_ORDERS[query.sort], query.is_descending)
        return read_page(self._connection, self._where(select(*_TENANT), query), order, page_request, _record)

    def count(self, query: TenantQuery) -> int:
        """Return the number on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        if query.search:
            return count_found(self._connection, self._where(select(tenants.c.name), query))
        return self._connection.scalar(self._where(select(func.count()).select_from(tenants), query)) or 0

    def neighbours(self, name: str) -> Sequence[str]:
        """Return the existing names that are equal to *name*, a prefix of it, or begin with it.

        Prefixes end at hyphens: the policies of `dev` match resource names that begin with `dev-`.
        """
        near = _near(tenants.c.name, name)
        return self._connection.scalars(select(tenants.c.name).where(near).order_by(tenants.c.name)).all()

    def reserved(self, name: str, now: datetime) -> tuple[str, datetime] | None:
        """Return the deleted tenant whose live sessions would reach resources of *name*, and when they end.

        Of several such tenants it is the one whose sessions end last. A tenant of the same name does not
        count, because its resources were the deleted tenant's.
        """
        c = issuances.c
        rows = self._connection.execute(
            select(c.tenant_name, c.state, _ENDS, _ASKED, _VALIDITY)
            .where(
                c.asked_at >= now - _LONGEST_SESSION,
                c.state.in_((State.ISSUED.value, State.REQUESTED.value)),
                c.tenant_name != name,
                _near(c.tenant_name, name),
                c.tenant_id.not_in(select(tenants.c.id)),
            )
            .group_by(c.tenant_name, c.state)
        )
        ends = [(row.tenant_name, _last_end(row)) for row in rows]
        live = [(tenant, end) for tenant, end in ends if end > now]
        return max(live, key=lambda pair: pair[1], default=None)

    def end_of_set_sessions(self, tenant_id: TenantId, now: datetime) -> datetime | None:
        """Return when the last live session of a permission set's own role in the tenant ends, or None."""
        c = issuances.c
        rows = self._connection.execute(
            select(c.state, _ENDS, _ASKED, _VALIDITY)
            .where(
                c.asked_at >= now - _LONGEST_SESSION,
                c.state.in_((State.ISSUED.value, State.REQUESTED.value)),
                c.tenant_id == tenant_id,
                c.role_arn.contains(f":role/{SET_ROLE_PREFIX}", autoescape=True),
            )
            .group_by(c.state)
        )
        return max((end for row in rows if (end := _last_end(row)) > now), default=None)

    def with_role(self, role_arn: str) -> TenantRecord | None:
        """Return the tenant with this role, or None; IAM role names are unique without regard to case."""
        is_same = func.lower(tenants.c.role_arn) == role_arn.lower()
        row = self._connection.execute(select(*_TENANT).where(is_same).order_by(tenants.c.name)).first()
        return None if row is None else _record(row)

    def sharing_role(self, tenant: Tenant) -> TenantRecord | None:
        """Return another tenant with the same role, or None; the comparison ignores case, as IAM does."""
        is_same = func.lower(tenants.c.role_arn) == tenant.target.role_arn.lower()
        row = self._connection.execute(
            select(*_TENANT).where(is_same, tenants.c.id != tenant.id).order_by(tenants.c.name)
        ).first()
        return None if row is None else _record(row)

    def _where(self, statement: Select[Any], query: TenantQuery) -> Select[Any]:
        if not query.search:
            return statement
        # Tenants' names have no capitals.
        return statement.where(contains(self._connection, tenants.c.name, query.search.lower()))


def change_tenant(tenant: Tenant) -> RowChange:
    """Return the change that gives a tenant the region, role and ExternalId of *tenant*."""
    row = {
        "changed_id": tenant.id,
        "new_region": tenant.target.region,
        "new_role_arn": tenant.target.role_arn,
        "new_external_id": tenant.target.external_id,
    }
    return RowChange(_CHANGE, row)


def delete_tenant(tenant_id: TenantId) -> tuple[RowChange, ...]:
    """Return the changes that delete a tenant with its settings and memberships."""
    row = {"ended_id": tenant_id}
    # The tenant's row is the last, because the others refer to it.
    return tuple(RowChange(delete_, row) for delete_ in (_DELETE_SETTINGS, _DELETE_MEMBERS, _DELETE))


def _near(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return the condition of `neighbours`."""
    parts = name.split("-")
    shorter = ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return or_(column.in_(shorter), column.startswith(f"{name}-", autoescape=True))


def _last_end(row: Row[*tuple[Any, ...]]) -> datetime:
    """Return when a group's last session ends by AWS's clock; a pending attempt may have been issued."""
    end: datetime = row.ends
    if row.state == State.REQUESTED.value:
        end = row.asked + timedelta(seconds=row.validity)
    return end + _CLOCKS_MAY_DIFFER


def _record(row: Row[*tuple[Any, ...]]) -> TenantRecord:
    return TenantRecord(tenant_of(row), row.created_at)
