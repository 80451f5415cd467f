"""The records of groups for Administrators, each with its version."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.admin.model import Version, version_of
from daypass.portal.groups.model import Group, GroupMembership, MemberSource
from daypass.portal.identity.model import UserId
from daypass.portal.permission_sets.model import PermissionSet

UNMATCHED_AFTER = timedelta(days=30)
"""The time without a match after which a claim group counts as unmatched."""


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """A filter of groups; the default matches all."""

    search: str = ""
    """A substring of the name."""
    source: MemberSource | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group, with the fields that only Administrators see."""

    group: Group
    created_at: datetime
    updated_at: datetime
    last_matched_at: datetime | None
    """When a sign-in last had the value of a claim group, to the hour; None for never."""
    members: int
    memberships: int
    """The number of tenants that it gives access to."""

    @property
    def version(self) -> Version:
        """The version of the fields that an Administrator can change."""
        return group_version(self.group)

    def is_unmatched(self, now: datetime) -> bool:
        """Return whether no sign-in had the value of this claim group for 30 days, or since its creation.

        Groups of other sources are never unmatched: no sign-in looks for them.
        """
        since = self.last_matched_at or self.created_at
        return self.group.source is MemberSource.CLAIM and now - since >= UNMATCHED_AFTER


@dataclass(frozen=True, slots=True)
class UserByGroup:
    """The access of one user to a tenant by one of their groups."""

    user_id: UserId
    username: str
    group: Group
    permission_set: PermissionSet
    ends_at: datetime | None
    """The time from which it gives no access; None if it has no end."""


def group_version(group: Group) -> Version:
    """Return the version of the fields of a group that an Administrator can change."""
    return version_of(group.id, group.name, group.description, group.makes_administrators)


def membership_version(membership: GroupMembership) -> Version:
    """Return the version of a group's membership; group and tenant never change."""
    return version_of(
        membership.group.id, membership.tenant.id, membership.permission_set.name, membership.ends_at
    )
