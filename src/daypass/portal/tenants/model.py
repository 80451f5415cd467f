"""The types of tenants and memberships."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TenantId = NewType("TenantId", str)


class Access(StrEnum):
    """The level of access to a tenant."""

    FULL = "full"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An isolated part of one AWS account, with an IAM role of its own."""

    id: TenantId
    name: str
    region: str
    role_arn: str
    external_id: str | None


@dataclass(frozen=True, slots=True)
class TenantAccess:
    """A tenant and one user's access to it; `membership` is None if the user is not a member."""

    tenant: Tenant
    membership: Access | None
