"""Queries and statements for the desired services of roles and the results of their changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from daypass.portal.admin.roles.provisioner import RoleOutcome
from daypass.portal.admin.roles.services.model import ServiceLimit, ServiceStatus
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.storage.schema.access import role_services
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import TenantId

_c = role_services.c

_ADD = insert(role_services)
_DROP = delete(role_services).where(_c.role_arn == bindparam("role"))
_CONCLUDE = (
    update(role_services)
    # If the setting was changed in the meantime, this result does not belong to the current row.
    .where(
        _c.role_arn == bindparam("role"),
        _c.services == bindparam("tried"),
        _c.outcome == RoleOutcome.WAITING.value,
    )
    .values(
        outcome=bindparam("new_outcome"), reason=bindparam("new_reason"), changed_at=bindparam("concluded_at")
    )
)
_TRY_AGAIN = (
    update(role_services)
    .where(_c.outcome.in_([RoleOutcome.REFUSED.value, RoleOutcome.MISSING.value]))
    .values(outcome=RoleOutcome.WAITING.value)
)
_LIMITS = select(
    _c.role_arn, _c.tenant_id, _c.services, _c.outcome, _c.reason, _c.changed_at, tenants.c.name
).outerjoin(tenants, tenants.c.id == _c.tenant_id)
_TENANTS = select(tenants.c.id, tenants.c.name, tenants.c.role_arn, settings.c.value).outerjoin(
    settings,
    and_(
        settings.c.tenant_id == tenants.c.id,
        settings.c.type == TENANT_SERVICES.type,
        settings.c.key == TENANT_SERVICES.key,
    ),
)


class ServiceLimitList:
    """Reads and writes desired limits and their results."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_tenants(self) -> Sequence[ServiceLimit]:
        """Return the limit of each tenant's role, as the settings determine it now."""
        return [
            ServiceLimit(role_arn, TenantId(id_), name, TENANT_SERVICES.parse_stored(value))
            for id_, name, role_arn, value in self._connection.execute(_TENANTS)
        ]

    def all(self) -> Mapping[str, ServiceStatus]:
        """Return every stored limit, by role ARN."""
        rows = self._connection.execute(_LIMITS.order_by(_c.role_arn))
        return {row.role_arn: _status(row) for row in rows}

    def waiting(self, limit: int) -> Sequence[ServiceStatus]:
        """Return up to *limit* pending changes."""
        query = _LIMITS.where(_c.outcome == RoleOutcome.WAITING.value).order_by(_c.role_arn).limit(limit)
        return [_status(row) for row in self._connection.execute(query)]

    def replace(self, limits: Sequence[ServiceLimit], now: datetime) -> None:
        """Store limits that are to be written to their roles, in place of earlier ones of these roles."""
        self.drop([each.role_arn for each in limits])
        rows = [
            {
                "role_arn": each.role_arn,
                "tenant_id": each.tenant_id,
                "services": each.text,
                "outcome": RoleOutcome.WAITING.value,
                "reason": "",
                "changed_at": now,
            }
            for each in limits
        ]
        # SQLAlchemy executes a statement with an empty list of rows once, without parameters.
        if rows:
            self._connection.execute(_ADD, rows)

    def drop(self, role_arns: Sequence[str]) -> None:
        """Delete the rows of roles."""
        if role_arns:
            self._connection.execute(_DROP, [{"role": role_arn} for role_arn in role_arns])

    def try_again(self) -> None:
        """Mark the changes that AWS refused, and those of missing roles, as waiting."""
        self._connection.execute(_TRY_AGAIN)


def record_result(limit: ServiceLimit, outcome: RoleOutcome, reason: str, *, at: datetime) -> RowChange:
    """Return the change that records the result of writing a limit to its role."""
    row = {
        "role": limit.role_arn,
        "tried": limit.text,
        "new_outcome": outcome.value,
        "new_reason": reason,
        "concluded_at": at,
    }
    return RowChange(_CONCLUDE, row)


def _status(row: Row[*tuple[Any, ...]]) -> ServiceStatus:
    services = TENANT_SERVICES.parse_stored(row.services or None)
    limit = ServiceLimit(row.role_arn, row.tenant_id, row.name, services)
    return ServiceStatus(limit, RoleOutcome(row.outcome), row.reason, row.changed_at)
