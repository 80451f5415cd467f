"""Denies between tenants whose names overlap: the name pattern of one matches the resources of the other."""

from collections.abc import Collection, Mapping, Sequence

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import LARGEST_MANAGED_POLICY, resolve, size
from daypass.portal.aws.policies import Document, Statement, as_list, document

COLLISION_POLICY = "other-tenants"
"""The name of the inline policy with the denies."""

NAME_PATTERNS = (
    "arn:{partition}:s3:::{name}-*",
    "arn:{partition}:dynamodb:*:{account}:table/{name}-*",
    "arn:{partition}:sqs:*:{account}:{name}-*",
    "arn:{partition}:sns:*:{account}:{name}-*",
    "arn:{partition}:kinesis:*:{account}:stream/{name}-*",
)
"""The ARNs that the inline policy of a tenant's role allows by name, with placeholders."""


def shared_name_patterns() -> Sequence[str]:
    """Return the ARNs that the shared policies allow by name, with placeholders."""
    named = {
        pattern for service in offered_services() for rule in service.allow for pattern in rule.resources
    }
    roles = {f"arn:{{partition}}:iam::{{account}}:role/{{name}}{rest}" for rest in ("", "-*")}
    return sorted({pattern for pattern in named if "{name}" in pattern} | roles)


def longer_names(tenant: str, others: Collection[str]) -> Sequence[str]:
    """Return those of *others* whose resources the pattern of *tenant* matches too, sorted.

    `dev01-*` matches the resources of `dev01-x`, but not the other way round.
    """
    return sorted(other for other in others if other.startswith(f"{tenant}-"))


def collision_denies(
    account: Account, longer: Collection[str], arn_patterns: Sequence[str] = NAME_PATTERNS
) -> Document:
    """Return a policy that denies a tenant everything on resources of the tenants with *longer* names.

    The placeholders of *arn_patterns* are `{partition}`, `{account}`, `{tenant}` for a tenant's name, and
    `{name}` for the prefix of its resources without the final dash. Patterns without a name are left out.
    """
    named = [pattern for pattern in arn_patterns if "{name}" in pattern or "{tenant}" in pattern]
    # The pattern of `dev01-x` also matches the resources of `dev01-x-y`, which needs no deny of its own.
    outermost = [name for name in sorted(longer) if not any(name.startswith(f"{one}-") for one in longer)]
    resources = [resolve(pattern, account, name) for name in outermost for pattern in named]
    return _denying(resources)


def collision_policies(account: Account, tenant: str, longer: Collection[str]) -> Mapping[str, Document]:
    """Return the same denies for a role that has the shared policies, as managed policies by name.

    The shared policies have more patterns than the inline policies of a role have room for.
    """
    resources = as_list(_statement(collision_denies(account, longer, shared_name_patterns()))["Resource"])
    documents: list[list[str]] = [[]]
    for resource in resources:
        if size(_denying([*documents[-1], resource])) > LARGEST_MANAGED_POLICY:
            documents.append([])
        documents[-1].append(resource)
    return {
        f"daypass-other-tenants-{tenant}.{number}": _denying(part)
        for number, part in enumerate(documents, start=1)
    }


def _denying(resources: Sequence[str]) -> Document:
    return document({"Sid": "OtherTenants", "Effect": "Deny", "Action": "*", "Resource": list(resources)})


def _statement(policy: Document) -> Statement:
    (statement,) = as_list(policy["Statement"])
    return dict(statement)
