"""The types of the service catalogue; `services/README.md` describes the files that are read into them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Action: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+:[A-Za-z0-9*]+$")]
"""An IAM action, or a pattern of actions of one service."""
Actions: TypeAlias = Annotated[tuple[Action, ...], Field(min_length=1)]
Condition: TypeAlias = Mapping[str, Mapping[str, str | Sequence[str]]]
"""The Condition element of a statement: values by key by operator."""
Sentence: TypeAlias = Annotated[str, StringConstraints(min_length=10, max_length=400)]

PolicyName: TypeAlias = Literal["data", "compute", "stores", "tagged", "lists", "guards", "denies"]
"""The shared policies, by the last part of their names: five that allow, and two that deny."""


class CatalogueModel(BaseModel):
    """A part of a service's file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AllowRule(CatalogueModel):
    """Actions that a tenant may use, and the limit that keeps them within the tenant."""

    by: Literal["name", "tag", "create", "list", "condition"]
    """How the actions are limited.

    `name`: the ARN begins with the tenant's prefix. `tag`: the resource has the tenant's tag. `create`: the
    request tags the new resource with the tenant's tag. `list`: not limited; for reads of names and of
    properties that all tenants of the account may know. `condition`: the rule's own condition and resources.
    """
    actions: Actions
    resources: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """ARN patterns with placeholders."""
    condition: Condition = {}
    why: Sentence | None = None
    """The reason why the limit is sufficient; required for `condition`."""
    policy: PolicyName | None = None
    """The shared policy, if it is not the usual one of such a rule."""


class DenyRule(CatalogueModel):
    """Actions that are denied although a rule allows them, always or under a condition."""

    kind: Literal["grant", "forwarding", "account", "key", "code", "tag", "other"]
    """The kind of harm.

    `grant`: a permission that outlives the session. `forwarding`: data moves to another tenant or account.
    `account`: a property that all tenants of the account share. `key`: a KMS key of another owner. `code`:
    code that runs with another role. `tag`: the tenant's tag changes.
    """
    actions: Actions
    resources: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    condition: Condition = {}
    why: Sentence
    in_boundary: bool = False
    """Whether the boundary repeats the statement; it has room for the most harmful actions only."""


class OperateLimit(CatalogueModel):
    """Requests that the permission set `operator` may not make, although it has their actions."""

    actions: Actions
    condition: Annotated[Condition, Field(min_length=1)]
    why: Sentence


class Levels(CatalogueModel):
    """The actions of a service in the permission sets that Daypass provides."""

    read: tuple[Action, ...] = ()
    """Reads of configuration, which change nothing for others and return no secret."""
    data: tuple[Action, ...] = ()
    """Reads of contents, such as objects and rows, which change nothing for others."""
    secrets: tuple[Action, ...] = ()
    """Reads that return secrets, and reads with effects; in no set but `full`."""
    operate: tuple[Action, ...] = ()
    """Changes of running resources that create, delete and run nothing new."""
    operate_limits: tuple[OperateLimit, ...] = ()


class ResourceKind(CatalogueModel):
    """A kind of resource that the tagging API lists, shown on a tenant's resource pages."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    """The name in URLs and JSON."""
    label: str
    """The singular."""
    plural: str
    arn_service: str
    """The service in the ARN."""
    pattern: str
    """A regular expression at the start of the ARN's resource part; its first group is the name or id.

    A second group is the part of the name that begins with the tenant's prefix, if it is not the whole name.
    """
    is_named: bool = True
    """Whether the name begins with the tenant's prefix; otherwise the tag names the tenant."""
    example: str
    """The ARN of a resource of the tenant, with placeholders."""
    page_actions: Actions
    """The calls of the resource's console page; sessions with full access may make all of them."""
    read_only_gap: Sentence | None = None
    """The parts that the page may lack in a read-only session, which may not make all of the calls."""


class Example(CatalogueModel):
    """A request that a tenant may make; tests derive from it the requests that must be denied."""

    action: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+:[A-Za-z0-9]+$")]
    resource: str
    """The ARN of the tenant's own resource, with placeholders."""
    fence: Literal["name", "tag", "create"]
    context: Mapping[str, str | Sequence[str]] = {}
    """Further condition keys of the request."""


class Service(CatalogueModel):
    """One AWS service, from `services/NAME.toml`."""

    name: str = Field(exclude=True)
    """The name of the file."""
    title: str
    category: Literal[
        "Storage",
        "Databases",
        "Messaging",
        "Compute",
        "Containers",
        "Networking",
        "Security",
        "Developer tools",
        "Analytics",
        "Monitoring",
        "Machine learning",
    ]
    summary: Sentence
    """The resources and actions that a tenant gets, for the documentation."""
    prefixes: Annotated[tuple[str, ...], Field(min_length=1)]
    """The IAM prefixes of the service's actions."""
    policy: PolicyName
    """The shared policy of the rules by name."""
    is_offered: bool = True
    allow: tuple[AllowRule, ...] = ()
    deny: tuple[DenyRule, ...] = ()
    passes_roles_to: tuple[str, ...] = ()
    """The service principals to which the tenant's own roles may be passed."""
    levels: Levels = Levels()
    resources: tuple[ResourceKind, ...] = ()
    examples: tuple[Example, ...] = ()
    gaps: tuple[Sentence, ...] = ()
    """Accesses across tenants that IAM cannot prevent, for the documentation."""
