"""The types of provisioned groups."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.groups.model import Group


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """A group as the identity provider wants it."""

    name: str
    external_id: str | None = None
    member_ids: frozenset[str] = frozenset()
    """The ids of users whom the same provider made."""


@dataclass(frozen=True, slots=True)
class ProvisionedGroup:
    """A group that an identity provider made."""

    group: Group
    version: int
    """Increases with each change of the group or of its members; SCIM's ETag."""
    created_at: datetime
    updated_at: datetime
    members: frozenset[str] = frozenset()
    """The ids of the users; empty if they were not read."""

    @property
    def tag(self) -> str:
        """The version of what the provider sees, for ETags."""
        return str(self.version)
