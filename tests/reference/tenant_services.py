"""The reference page of the AWS services that a tenant may use."""

from collections.abc import Iterator, Sequence

from daypass.portal.aws.fence.catalogue import services
from daypass.portal.aws.fence.documents import POLICIES, policy_of
from daypass.portal.aws.fence.model import AllowRule, DenyRule, Service
from daypass.portal.aws.fence.offered import without_company
from tests.reference.markdown import table, wrap

_INTRODUCTION = """\
<!-- Written by scripts/reference from src/daypass/portal/aws/fence/services, where changes are made. -->

# What a tenant can do

Keys and console sessions of a tenant reach the resources of that tenant only. This page says for each AWS
service how AWS tells the resources of tenants apart, what is denied within the tenant's own resources and
why, and which accesses across tenants IAM cannot prevent.

It describes roles of generation 2 ([Generations of roles](../guides/run-the-portal.md#generations-of-roles)).
Roles of generation 1 use six of these services: API Gateway, DynamoDB, Kinesis, S3, SNS and SQS. An
Administrator can limit a tenant to some of the services.

`PREFIX` stands for the configured prefix followed by the tenant's name, such as `duploservices-dev01`. The
tenant's tag is `TENANT_NAME`.

In every service, a session can set `TENANT_NAME`, in any case of letters, to the tenant's name only, and
cannot remove it. It cannot touch a resource that has the tag of another tenant, even if the resource's name
begins with `PREFIX-`. It can pass a role to a service only if the role's name is `PREFIX` or begins with
`PREFIX-`. It changes nothing in IAM and assumes no other role. Lists show the names of all tenants'
resources, because AWS cannot limit them.

Each action below is allowed by one of the shared policies `daypass-fence-data`, `-compute`, `-stores`,
`-tagged` and `-lists`, which the column *policy* names; `-tagged` also allows passing roles. The [role of a
permission set](../guides/fence.md#roles-of-permission-sets) can lack some of them.

Code that runs with a role of the tenant has all rights of that role, whatever the permission set of the
session that started it, and runs on when the session has ended.
"""

_LIMITS = {
    "tag": "tag of the resource",
    "create": "tag in the request that creates it",
    "list": "none: the names of all tenants' resources are shown",
}


def tenant_services_page() -> str:
    """Return the page of all services of the catalogue, in Markdown."""
    found = sorted(services(), key=lambda service: without_company(service.title))
    blocks = _INTRODUCTION.rstrip().split("\n\n")
    blocks.append(table(["service", "category", "limit", "policies"], [_row(service) for service in found]))
    for service in found:
        blocks += _section(service)
    return "\n\n".join(map(_wrap_text, blocks)) + "\n"


def _wrap_text(block: str) -> str:
    return block if block.startswith(("- ", "<!--", "#", "|")) else wrap(block)


def _row(service: Service) -> Sequence[str]:
    if not service.is_offered:
        return [service.title, service.category, "not offered", ""]
    limits = {"name": "name", "tag": "tag", "create": "tag"}
    used = list(dict.fromkeys(limits[rule.by] for rule in service.allow if rule.by in limits))
    policies = sorted({policy_of(service, rule) for rule in service.allow}, key=POLICIES.index)
    title, limit = f"[{service.title}](#{_anchor(service)})", " and ".join(used) or "lists only"
    return [title, service.category, limit, ", ".join(policies)]


def _anchor(service: Service) -> str:
    return "".join(
        letter for letter in service.title.lower().replace(" ", "-") if letter.isalnum() or letter == "-"
    )


def _section(service: Service) -> Iterator[str]:
    yield f"## {service.title}"
    yield service.summary
    if service.allow:
        yield table(["actions", "limit", "policy"], [_allowed(service, rule) for rule in service.allow])
    if service.deny:
        yield "Denied, whatever allows it:"
        yield table(["actions", "reason"], [_denied(rule) for rule in service.deny])
    if service.passes_roles_to:
        yield f"Roles of the tenant may be passed to {_code(service.passes_roles_to)}."
    if service.gaps:
        yield "IAM cannot prevent:"
        yield "\n".join(f"- {gap}" for gap in service.gaps)


def _allowed(service: Service, rule: AllowRule) -> Sequence[str]:
    limit = f"name: {_code(_shown(rule.resources))}" if rule.by == "name" else rule.why or _LIMITS[rule.by]
    return [_code(rule.actions), limit, policy_of(service, rule)]


def _denied(rule: DenyRule) -> Sequence[str]:
    conditional = " under a condition" if rule.condition else ""
    return [_code(rule.actions) + conditional, rule.why]


def _code(texts: Sequence[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _shown(patterns: Sequence[str]) -> Sequence[str]:
    """Return the resource parts of ARN patterns, whose placeholders are named as in the introduction."""
    resources = [pattern.split(":", 5)[5] for pattern in patterns]
    return [each.replace("{name}", "PREFIX").replace("{tenant}", "TENANT") for each in resources]
