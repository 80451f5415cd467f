"""The IAM roles behind tenants: the interface that hides IAM; `portal/aws` fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from daypass.portal.tenants.model import Tenant


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
