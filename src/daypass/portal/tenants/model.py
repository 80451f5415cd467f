"""Tenants, and who belongs to them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TenantId = NewType("TenantId", str)


class Access(StrEnum):
    """How much of a tenant somebody may use."""

    FULL = "full"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A fenced part of one AWS account."""

    id: TenantId
    name: str
    region: str
    role_arn: str
    external_id: str | None


@dataclass(frozen=True, slots=True)
class TenantAccess:
    """A tenant as one user sees it; `membership` is None for a user who is no member of it."""

    tenant: Tenant
    membership: Access | None
