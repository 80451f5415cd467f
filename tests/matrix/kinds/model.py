"""A kind of resource: the calls that the matrix makes on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from daypass.demo.seed.fixtures import REGION, ROLE_PREFIX

Client: TypeAlias = Any
"""A boto3 client, which has no types for most of these services."""

Tags: TypeAlias = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a new resource: a tenant, and a name that begins with that tenant's prefix.

    With the suffix, the name has 28 characters at most, as OpenSearch requires.
    """

    tenant: str
    suffix: str
    account: str
    tag: str = "TENANT_NAME"

    def with_other_tag(self) -> "Place":
        """Return the place of a resource that has another tag in place of the tenant's."""
        return replace(self, tag="Stage")

    @property
    def name(self) -> str:
        """The resource's name."""
        return f"{ROLE_PREFIX}{self.tenant}-{self.suffix}"

    @property
    def role(self) -> str:
        """The ARN of the role that the tenant passes to services."""
        return f"arn:aws:iam::{self.account}:role/{ROLE_PREFIX}{self.tenant}-worker"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of the account."""
        return f"arn:aws:{service}:{REGION}:{self.account}:{resource}"

    def tags(self, key: str = "Key", value: str = "Value") -> Tags:
        """Return the tenant's tag in the spelling of a service."""
        return [{key: self.tag, value: self.tenant}]

    @property
    def tag_map(self) -> dict[str, str]:
        """The tenant's tag for services that take an object."""
        return {self.tag: self.tenant}

    def specified(self, *kinds: str) -> list[dict[str, object]]:
        """Return the tenant's tag for parts of a request to EC2."""
        return [{"ResourceType": kind, "Tags": self.tags()} for kind in kinds]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource.

    *create* returns what the other calls need to find the resource again, and `tag` sets one tag, given as
    key and value. An administrator creates the tenant's own resource where the fence refuses it.
    """

    name: str
    service: str
    create: Callable[[Client, Place], str]
    use: Callable[[Client, str], object]
    tag: Callable[[Client, str, str, str], object]
    start: Callable[[Client, str], object] | None = None
    """Starts code that would run elsewhere."""
    is_made_by_tenant: bool = True
    is_tagged_by_tenant: bool = True
    """Whether the fence allows the tenant to set other tags."""
    is_found_by_tag: bool = False
    """Whether the tag alone tells the tenant, so that an untagged resource belongs to none."""
