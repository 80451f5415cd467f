"""Denies between tenants whose names overlap: the name pattern of one matches the resources of the other."""

from collections.abc import Collection, Sequence

from daypass.portal.accounts.model import Account
from daypass.portal.aws.policies import Document, document

COLLISION_POLICY = "other-tenants"
"""The name of the inline policy with the denies."""

NAME_PATTERNS = (
    "arn:{partition}:s3:::{name}-*",
    "arn:{partition}:dynamodb:*:{account}:table/{name}-*",
    "arn:{partition}:sqs:*:{account}:{name}-*",
    "arn:{partition}:sns:*:{account}:{name}-*",
    "arn:{partition}:kinesis:*:{account}:stream/{name}-*",
)
"""The ARNs that a tenant's policy allows by name, with placeholders."""


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
    # The pattern of `dev01-x` also matches the resources of `dev01-x-y`.
    outermost = [name for name in sorted(longer) if not any(name.startswith(f"{one}-") for one in longer)]
    resources = [_resolve(pattern, account, name) for name in outermost for pattern in named]
    return document({"Sid": "OtherTenants", "Effect": "Deny", "Action": "*", "Resource": resources})


def _resolve(pattern: str, account: Account, tenant: str) -> str:
    replacements = {
        "{partition}": account.partition,
        "{account}": account.id,
        "{name}": f"{account.role_prefix}{tenant}",
        "{tenant}": tenant,
    }
    for placeholder, value in replacements.items():
        pattern = pattern.replace(placeholder, value)
    return pattern
