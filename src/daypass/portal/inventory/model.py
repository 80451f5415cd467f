"""Resources, and listings of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.inventory.kinds import ResourceArn, ResourceKind
from daypass.portal.tenants.model import Tenant

OWNER_TAG = "TENANT_NAME"
"""The tag that names a resource's tenant."""

NAME_TAG = "Name"
"""The tag that names a resource whose ARN has no name."""


@dataclass(frozen=True, slots=True)
class TaggedArn:
    """An ARN and its tags, as AWS returned them."""

    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a tenant."""

    named: ResourceArn
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """The ARN."""
        return self.named.arn

    @property
    def kind(self) -> ResourceKind:
        """The kind."""
        return self.named.kind

    @property
    def name(self) -> str:
        """The display name."""
        if self.named.owned_name is None:
            return self.tags.get(NAME_TAG) or self.named.id
        return self.named.id


@dataclass(frozen=True, slots=True)
class Listing:
    """The resources of one tenant at one moment, sorted by kind and ARN."""

    tenant: Tenant
    resources: tuple[Resource, ...]
    read_at: datetime
    is_complete: bool
    """Whether the listing is complete; it is cut for a very large tenant, or if AWS is slow."""

    def find(self, arn: str) -> Resource | None:
        """Return the resource of that exact ARN, or None."""
        return next((resource for resource in self.resources if resource.arn == arn), None)
