"""Session policies of custom permission sets.

A session has the intersection of its role with the union of its session policies. So it gets exactly one
block that allows, which is either managed policies or `Allow *`; everything else only denies. Two blocks that
allow would unite, and denies alone would allow nothing.
"""

from dataclasses import dataclass

from daypass.portal.errors import InvalidRequest
from daypass.portal.permission_sets.model import PermissionSet

MAX_POLICIES = 10
"""AWS's limit on managed session policies."""
MAX_CHARACTERS = 2048
"""AWS's limit on the inline policy and the ARNs together, in plain text."""

_LONGEST_PARTITION, _ANY_ACCOUNT = "aws-us-gov", "0" * 12

_ALLOW_ALL = '{"Effect":"Allow","Action":"*","Resource":"*"}'


@dataclass(frozen=True, slots=True)
class SessionPolicies:
    """The session policies of an AssumeRole call."""

    inline: str | None
    """A policy document; None if there is none."""
    arns: tuple[str, ...]


def session_policies(permission_set: PermissionSet, partition: str, account_id: str) -> SessionPolicies:
    """Return the session policies of a custom set, for a role of this account.

    Raises `InvalidRequest` if they exceed a limit of AWS, for a set with a role of its own, which has none,
    and for a set that takes nothing away or has an Allow statement, which `grammar` refuses to store.
    """
    if permission_set.has_own_role:
        raise InvalidRequest("A permission set with a role of its own has no session policies.")
    denying = permission_set.deny_statements
    if not permission_set.policies and not denying:
        raise InvalidRequest(
            "A permission set needs a policy or a Deny statement. Without both it would be “full”."
        )
    if any(statement.get("Effect") != "Deny" for statement in denying):
        raise InvalidRequest(
            "A permission set can only take access away, and this one has another statement."
        )
    arns = tuple(policy.arn(partition, account_id) for policy in permission_set.policies)
    denies = permission_set.denies[1:-1]
    statements = denies if arns else _joined(_ALLOW_ALL, denies)
    inline = f'{{"Version":"2012-10-17","Statement":[{statements}]}}' if statements else None
    size = len(inline or "") + sum(map(len, arns))
    if len(arns) > MAX_POLICIES:
        raise InvalidRequest(
            f"A permission set has at most {MAX_POLICIES} policies; this one has {len(arns)}."
        )
    if size > MAX_CHARACTERS:
        raise InvalidRequest(
            f"The policies of a permission set have at most {MAX_CHARACTERS:,} characters together; these "
            f"have {size:,}. Shorten the denies, or move them into a managed policy of the account."
        )
    return SessionPolicies(inline, arns)


def check_size(permission_set: PermissionSet) -> None:
    """Raise `InvalidRequest` if the set could exceed a limit of AWS in any account."""
    session_policies(permission_set, _LONGEST_PARTITION, _ANY_ACCOUNT)


def _joined(first: str, others: str) -> str:
    return f"{first},{others}" if others else first
