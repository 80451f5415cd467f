"""The types of tenants and memberships."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Self

from daypass.portal.accounts.model import Target
from daypass.portal.permission_sets.model import FULL, PermissionSet

TenantId = NewType("TenantId", str)
GroupId = NewType("GroupId", str)


class Access(StrEnum):
    """The access to a tenant, for clients and releases without permission sets.

    The values are also the names of the built-in permission sets.
    """

    FULL = "full"
    READ_ONLY = "read-only"
    """Also every custom permission set, since it takes access away."""

    @classmethod
    def of(cls, permission_set: PermissionSet) -> "Access":
        """Return the access that *permission_set* counts as."""
        return cls.FULL if permission_set.name == FULL.name else cls.READ_ONLY


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

    def target_of(self, permission_set: PermissionSet) -> Target:
        """Return the role whose sessions *permission_set* gives in this tenant."""
        if permission_set.has_own_role:
            return self.target.of_set(self.name, permission_set.name)
        return self.target


@dataclass(frozen=True, slots=True)
class GroupAccess:
    """The membership of a tenant that one of a user's groups gives."""

    group_id: GroupId
    group: str
    """The group's name."""
    permission_set: PermissionSet
    ends_at: datetime | None = None
    """The time from which it gives no access; None if it has no end."""


@dataclass(frozen=True, slots=True)
class TenantAccess:
    """A tenant and one user's access to it."""

    tenant: Tenant
    membership: PermissionSet | None
    """The permission set of the user's own membership; None without one."""
    by_groups: Sequence[GroupAccess] = ()
    """The memberships that groups give the user, without those that have ended."""
