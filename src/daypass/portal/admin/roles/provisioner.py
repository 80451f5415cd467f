"""The IAM roles behind tenants: the interface that hides IAM; `portal/aws` fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from daypass.portal.admin.roles.remediation import Remedy, set_maximum
from daypass.portal.tenants.model import Tenant, TenantId


@dataclass(frozen=True, slots=True)
class RoleState:
    """A role as it is in AWS."""

    arn: str
    maximum: timedelta
    trust: Mapping[str, object]
    """The trust policy."""
    boundary_arn: str | None
    tags: Mapping[str, str]


class IamRoles(Protocol):
    """IAM, as far as roles go. What fails raises an `AwsError` whose sentence is safe to show."""

    def read(self, role_arn: str) -> RoleState:
        """The role as it is; raises `RoleNotFound`."""

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Let the role's sessions last so long; raises `AwsNotAllowed` where the portal may not."""

    def make(self, tenant: Tenant) -> None:
        """Make sure that the tenant's role is there, with trust and policies; being there is no mistake."""

    def empty(self, tenant: Tenant) -> bool:
        """Take all rights from the tenant's role if this portal made it; returns whether it did."""

    def restore(self, tenant: Tenant) -> bool:
        """Give the tenant's role its rights back if `empty` took them; returns whether it did."""


class Outcome(StrEnum):
    """What became of a change to a role."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    MISSING = "missing"
    """There is no such role in AWS."""
    LEFT = "left"
    """The setting was removed, and the role keeps the maximum that it got."""


@dataclass(frozen=True, slots=True)
class DesiredRole:
    """How long sessions of a role may last, by the settings."""

    role_arn: str
    tenant_id: TenantId | None
    """None for the master role."""
    tenant: str | None
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """A wish, and what became of it in AWS."""

    wish: DesiredRole
    outcome: Outcome
    reason: str
    """Why AWS refused."""
    changed_at: datetime

    @property
    def remedy(self) -> Remedy | None:
        """What somebody who may can do in the portal's place; None where it is done, or there is no role."""
        if self.outcome in {Outcome.DONE, Outcome.MISSING, Outcome.LEFT}:
            return None
        return set_maximum(self.wish.role_arn, self.wish.maximum)
