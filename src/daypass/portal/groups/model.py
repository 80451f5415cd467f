"""The types of groups and of the memberships that they give."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daypass.portal.identity.model import User
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.tenants.model import Access, GroupId, Tenant


class MemberSource(StrEnum):
    """The one source of a group's members."""

    LOCAL = "local"
    """Administrators, in the portal."""
    CLAIM = "claim"
    """A claim of an identity provider, at each sign-in."""
    SCIM = "scim"
    """An identity provider, by SCIM."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users."""

    id: GroupId
    name: str
    """Unique among the groups of one provider, and among the local groups."""
    source: MemberSource
    provider: str = ""
    """The identity provider that the members come from; "" for a local group."""
    external_id: str | None = None
    """The claim's value, or the `externalId` of SCIM; None if there is none."""
    description: str = ""
    makes_administrators: bool = False
    """Whether every member is an Administrator; never true for a local group."""

    @property
    def is_local(self) -> bool:
        """Whether Administrators choose the members in the portal."""
        return self.source is MemberSource.LOCAL


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A user in a group."""

    user: User
    added_at: datetime


@dataclass(frozen=True, slots=True)
class GroupMembership:
    """The membership of a tenant that a group gives to each of its members."""

    group: Group
    tenant: Tenant
    permission_set: PermissionSet
    created_at: datetime
    ends_at: datetime | None = None
    """The time from which it gives no access; None if it has no end."""

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)
