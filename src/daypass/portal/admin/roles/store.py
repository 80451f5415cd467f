"""Queries and statements for desired roles and the results of their changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Executable, Row, and_, bindparam, delete, func, insert, select, update

from daypass.portal.admin.roles.provisioner import DesiredRole, RoleOutcome, RoleStatus
from daypass.portal.settings.registry import TENANT_ROLE_MAXIMUM
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.access import role_changes
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TENANT, tenant_of

_SECOND = timedelta(seconds=1)
_c = role_changes.c

_ADD = insert(role_changes)
# SQLAlchemy reserves the names of columns for the new values of an UPDATE, so the parameters of the
# conditions have other names.
_UPDATE_DESIRED = (
    update(role_changes)
    .where(_c.role_arn == bindparam("role"))
    .values(
        tenant_id=bindparam("new_tenant"),
        maximum=bindparam("new_maximum"),
        outcome=RoleOutcome.WAITING.value,
        reason="",
        changed_at=bindparam("now"),
    )
)
_LEAVE = (
    update(role_changes)
    .where(_c.role_arn == bindparam("role"))
    .values(outcome=RoleOutcome.LEFT.value, reason="", changed_at=bindparam("now"))
)
_DROP = delete(role_changes).where(_c.role_arn == bindparam("role"))
_CONCLUDE = (
    update(role_changes)
    # If the setting was changed or removed in the meantime, this result does not belong to the current row.
    .where(
        _c.role_arn == bindparam("role"),
        _c.maximum == bindparam("tried"),
        _c.outcome == RoleOutcome.WAITING.value,
    )
    .values(
        outcome=bindparam("new_outcome"), reason=bindparam("new_reason"), changed_at=bindparam("concluded_at")
    )
)
_TRY_AGAIN = (
    update(role_changes)
    .where(_c.outcome.in_([RoleOutcome.REFUSED.value, RoleOutcome.MISSING.value]))
    .values(outcome=RoleOutcome.WAITING.value)
)

_CHANGE = (_c.role_arn, _c.tenant_id, _c.maximum, _c.outcome, _c.reason, _c.changed_at)
_CHANGES = select(*_CHANGE, tenants.c.name).outerjoin(tenants, tenants.c.id == _c.tenant_id)

_TENANTS = (
    select(tenants.c.id, tenants.c.name, tenants.c.role_arn, settings.c.value)
    .outerjoin(
        settings,
        and_(
            settings.c.tenant_id == tenants.c.id,
            settings.c.type == TENANT_ROLE_MAXIMUM.type,
            settings.c.key == TENANT_ROLE_MAXIMUM.key,
        ),
    )
    .order_by(tenants.c.role_arn)
)


class RoleChangeList:
    """Reads desired roles and their results."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tenants(self) -> Sequence[tuple[TenantId, str, str, timedelta | None]]:
        """Return each tenant's id, name, role ARN and own maximum (None if not set), by role ARN."""
        return [
            (TenantId(id_), name, role_arn, _own(value))
            for id_, name, role_arn, value in self._connection.execute(_TENANTS)
        ]

    def every_tenant(self) -> Sequence[Tenant]:
        """Return all tenants, by name."""
        return [tenant_of(row) for row in self._connection.execute(select(*TENANT).order_by(tenants.c.name))]

    def all(self) -> Mapping[str, RoleStatus]:
        """Return every change, by role ARN."""
        return {row.role_arn: _change(row) for row in self._connection.execute(_CHANGES)}

    def find(self, role_arn: str) -> RoleStatus | None:
        """Return the change of one role, or None."""
        row = self._connection.execute(_CHANGES.where(_c.role_arn == role_arn)).first()
        return None if row is None else _change(row)

    def waiting(self, limit: int) -> Sequence[RoleStatus]:
        """Return up to *limit* pending changes."""
        query = _CHANGES.where(_c.outcome == RoleOutcome.WAITING.value).order_by(_c.role_arn).limit(limit)
        return [_change(row) for row in self._connection.execute(query)]

    def page(self, outcome: RoleOutcome | None, page_request: PageRequest) -> Page[RoleStatus]:
        """Return a page of changes, by role ARN."""
        query = _CHANGES if outcome is None else _CHANGES.where(_c.outcome == outcome.value)
        return read_page(self._connection, query, Order((_c.role_arn,)), page_request, _change)

    def count(self) -> Mapping[RoleOutcome, int]:
        """Return the number of changes by outcome, including zeros."""
        counted = self._connection.execute(select(_c.outcome, func.count()).group_by(_c.outcome))
        numbers = {RoleOutcome(outcome): number for outcome, number in counted}
        return {outcome: numbers.get(outcome, 0) for outcome in RoleOutcome}

    def add(self, roles: Sequence[DesiredRole], now: datetime) -> None:
        """Insert roles that are to be changed."""
        rows = [
            {
                "role_arn": desired.role_arn,
                "tenant_id": desired.tenant_id,
                "maximum": desired.maximum // _SECOND,
                "outcome": RoleOutcome.WAITING.value,
                "reason": "",
                "changed_at": now,
            }
            for desired in roles
        ]
        self._execute(_ADD, rows)

    def update_desired(self, roles: Sequence[DesiredRole], now: datetime) -> None:
        """Replace the desired state of roles, which are then to be changed again."""
        rows = [
            {
                "role": desired.role_arn,
                "new_tenant": desired.tenant_id,
                "new_maximum": desired.maximum // _SECOND,
                "now": now,
            }
            for desired in roles
        ]
        self._execute(_UPDATE_DESIRED, rows)

    def leave(self, role_arns: Sequence[str], now: datetime) -> None:
        """Mark roles that the portal has changed, or is changing, and that no setting determines any more."""
        self._execute(_LEAVE, [{"role": role_arn, "now": now} for role_arn in role_arns])

    def drop(self, role_arns: Sequence[str]) -> None:
        """Delete the rows of roles."""
        self._execute(_DROP, [{"role": role_arn} for role_arn in role_arns])

    def try_again(self) -> None:
        """Mark the changes that AWS refused, and those of missing roles, as waiting."""
        self._connection.execute(_TRY_AGAIN)

    def _execute(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
        # SQLAlchemy executes a statement with an empty list of rows once, without parameters.
        if rows:
            self._connection.execute(statement, rows)


def record_result(desired: DesiredRole, outcome: RoleOutcome, reason: str, *, at: datetime) -> RowChange:
    """Return the change that records the result of bringing a role to its desired maximum."""
    row = {
        "role": desired.role_arn,
        "tried": desired.maximum // _SECOND,
        "new_outcome": outcome.value,
        "new_reason": reason,
        "concluded_at": at,
    }
    return RowChange(_CONCLUDE, row)


def _own(value: str | None) -> timedelta | None:
    return TENANT_ROLE_MAXIMUM.parse_stored(value)


def _change(row: Row[*tuple[Any, ...]]) -> RoleStatus:
    desired = DesiredRole(row.role_arn, row.tenant_id, row.name, timedelta(seconds=row.maximum))
    return RoleStatus(desired, RoleOutcome(row.outcome), row.reason, row.changed_at)
