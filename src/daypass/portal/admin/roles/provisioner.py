"""The interfaces to IAM roles, which `portal/aws` implements, and the results of changes to them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from daypass.portal.admin.roles.remediation import Remedy, set_maximum
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.roles import RoleState


class RoleProvisioner(Protocol):
    """Creates IAM roles for tenants, and empties and restores them."""

    def make(self, tenant: Tenant) -> None:
        """Create the tenant's role with the trust and the policies that it needs, unless it exists.

        Raises an `AwsError`.
        """

    def empty(self, tenant: Tenant) -> bool:
        """Remove all rights from the tenant's role, and so from its sessions; return whether it did.

        Only a role that this portal created is changed. Raises an `AwsError`.
        """

    def restore(self, tenant: Tenant) -> bool:
        """Restore the rights of the tenant's role if `empty` removed them; return whether it did.

        Only a role that this portal created, and that has the policy of `empty`, is changed. Raises an
        `AwsError`.
        """


class IamRoles(RoleProvisioner, Protocol):
    """All operations on roles in IAM. A failure raises an `AwsError` whose reason is safe to show."""

    def read(self, role_arn: str) -> RoleState:
        """Return the role as it is; raises `RoleNotFound`."""

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Limit the role to the AWS services with these names, or remove the limit if it is None."""

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Set the role's maximum session duration; raises `AwsNotAllowed` if the portal may not."""


class RoleOutcome(StrEnum):
    """The result of a change to a role."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    MISSING = "missing"
    """The role does not exist in AWS."""
    LEFT = "left"
    """The setting was removed, and the role keeps the maximum that it has."""


@dataclass(frozen=True, slots=True)
class DesiredRole:
    """The maximum session duration of a role, as the settings determine it."""

    role_arn: str
    tenant_id: TenantId | None
    """None for the master role."""
    tenant: str | None
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """A desired role, and the result of its change in AWS."""

    desired: DesiredRole
    outcome: RoleOutcome
    reason: str
    """The reason if AWS refused the change."""
    changed_at: datetime

    @property
    def remedy(self) -> Remedy | None:
        """The manual remedy for this role, or None if nothing is left to do or the role does not exist."""
        if self.outcome in {RoleOutcome.DONE, RoleOutcome.MISSING, RoleOutcome.LEFT}:
            return None
        return set_maximum(self.desired.role_arn, self.desired.maximum)
