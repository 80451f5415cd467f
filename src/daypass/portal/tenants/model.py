"""The types of tenants and memberships."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Self

from daypass.portal.accounts.model import Target

TenantId = NewType("TenantId", str)


class Access(StrEnum):
    """The level of access to a tenant."""

    FULL = "full"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An isolated part of an AWS account, with an IAM role of its own."""

    id: TenantId
    name: str
    targets: tuple[Target, ...]
    """The tenant's roles in AWS accounts; exactly one today."""

    @classmethod
    def with_role(
        cls, tenant_id: TenantId, name: str, region: str, role_arn: str, external_id: str | None
    ) -> Self:
        """Return a tenant with this role as its only target."""
        return cls(tenant_id, name, (Target(role_arn, region, external_id),))

    @property
    def target(self) -> Target:
        """The tenant's only target."""
        return self.targets[0]


@dataclass(frozen=True, slots=True)
class TenantAccess:
    """A tenant and one user's access to it; `membership` is None if the user is not a member."""

    tenant: Tenant
    membership: Access | None
