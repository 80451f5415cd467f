"""The part of the reconciliation that limits tenants' roles to the services of their settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.admin.roles.provisioner import IamRoles, RoleOutcome
from daypass.portal.admin.roles.services.model import ServiceLimit, ServiceStatus
from daypass.portal.admin.roles.services.store import ServiceLimitList, record_result
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError, RoleNotFound
from daypass.portal.storage.engine import Connection, Database


@dataclass(frozen=True, slots=True)
class ServiceChanges:
    """Stores the desired limits with the result for each role, and writes them to the roles."""

    database: Database
    committer: Committer
    clock: Clock
    iam: IamRoles

    def record_desired(self, connection: Connection) -> None:
        """Store the limits by the current settings; those that are new or changed wait for their change.

        The caller holds the exclusive lock, so that two replicas do not add the same row.
        """
        limits = ServiceLimitList(connection)
        stored = limits.all()
        current = {limit.role_arn: limit for limit in limits.of_tenants()}
        limits.drop([arn for arn, status in stored.items() if _is_over(status, current.get(arn))])
        limits.replace(
            [limit for limit in current.values() if _is_new(limit, stored.get(limit.role_arn))], self.clock()
        )

    def waiting(self, limit: int) -> Sequence[ServiceStatus]:
        """Return up to *limit* pending changes."""
        with self.database.reading() as connection:
            return ServiceLimitList(connection).waiting(limit)

    def all(self) -> Mapping[str, ServiceStatus]:
        """Return every limit with its result, by role ARN."""
        with self.database.reading() as connection:
            return ServiceLimitList(connection).all()

    def apply(self, status: ServiceStatus) -> None:
        """Write a limit to its role, and record the result."""
        limit = status.desired
        # No transaction is open during the call to AWS.
        try:
            self.iam.set_services(limit.role_arn, limit.services)
        except AwsError as refusal:
            outcome = RoleOutcome.MISSING if isinstance(refusal, RoleNotFound) else RoleOutcome.REFUSED
            self._record(limit, outcome, refusal.reason, {"code": refusal.code})
            return
        self._record(limit, RoleOutcome.DONE, "", {})

    def _record(
        self, limit: ServiceLimit, outcome: RoleOutcome, reason: str, detail: Mapping[str, str]
    ) -> None:
        event = Event(
            action="role.set_services",
            actor=PORTAL,
            outcome=Outcome.DONE if outcome is RoleOutcome.DONE else Outcome.FAILED,
            subject=limit.role_arn,
            tenant_id=limit.tenant_id,
            detail={"wanted": limit.text, **detail},
        )
        self.committer.commit(event, record_result(limit, outcome, reason, at=self.clock()))


def _is_over(status: ServiceStatus, current: ServiceLimit | None) -> bool:
    """Return whether a row has no use any more: its role has no tenant, or its limit was removed."""
    is_removed = status.desired.services is None and status.outcome is RoleOutcome.DONE
    return current is None or (is_removed and current.services is None)


def _is_new(limit: ServiceLimit, stored: ServiceStatus | None) -> bool:
    if stored is None:
        return limit.services is not None
    return stored.desired.services != limit.services or stored.desired.tenant_id != limit.tenant_id
