"""The managed policies that Daypass needs in an account, each with its purpose, for the printed setup."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.accounts.model import BOUNDARY, Account, Generation
from daypass.portal.aws import policies
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import policy_name
from daypass.portal.aws.fence.levels import LevelName, level_policy_name
from daypass.portal.aws.fence.model import PolicyName
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.policies import TENANT_TAG, Document

_NAMED = (
    "Attached to tenants' roles. Allows actions on resources whose names begin with the tenant's prefix: {}."
)
_PURPOSES: Mapping[PolicyName, str] = {
    "data": _NAMED,
    "compute": _NAMED,
    "stores": _NAMED,
    "tagged": (
        f"Attached to tenants' roles. Allows actions on resources with the tenant's tag {TENANT_TAG}, their "
        "creation with that tag, and passing the tenant's own roles to services."
    ),
    "lists": (
        "Attached to tenants' roles. Allows reading names and properties that all tenants of the account may "
        "know."
    ),
    "guards": (
        "Attached to tenants' roles. Denies, under conditions, whatever another policy allows: resources "
        f"with another tenant's tag, changes of {TENANT_TAG}, other accounts, foreign keys and targets."
    ),
    "denies": (
        "Attached to tenants' roles. Denies grants that outlive a session, movement of data to other tenants "
        "and accounts, and changes of the whole account."
    ),
}
_LEVEL_PURPOSES: Mapping[LevelName, str] = {
    "read-only": "Reads without effects and without secrets, of configuration and contents.",
    "operator": "Reads of configuration, and starts, stops and restarts; creates and deletes nothing.",
    "data-reader": "Reads of contents, without secrets.",
}


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A customer managed policy and its purpose in whole sentences."""

    name: str
    purpose: str
    document: Document


def managed_policies(account: Account) -> Sequence[ManagedPolicy]:
    """Return the policies of both generations of the fence, and those of the permission sets."""
    purposes = dict(_purposes())
    inline_boundary = ManagedPolicy(
        BOUNDARY,
        "The permissions boundary of tenants' roles with an inline policy, as earlier versions created them, "
        "and of new roles until the shared policies below are verified. It stays as long as such roles do.",
        policies.boundary(account),
    )
    shared = shared_policies(account).items()
    return [inline_boundary, *(ManagedPolicy(name, purposes[name], document) for name, document in shared)]


def _purposes() -> Iterator[tuple[str, str]]:
    """Yield the name and purpose of each shared policy."""
    for policy, purpose in _PURPOSES.items():
        titles = [
            service.title
            for service in offered_services()
            if any((rule.policy or service.policy) == policy for rule in service.allow if rule.by == "name")
        ]
        yield policy_name(policy), purpose.format(", ".join(titles) or "none yet")
    yield (
        Generation.SHARED.boundary,
        "The permissions boundary of tenants' roles with the shared policies, whatever these allow: only the "
        "services of the catalogue, no IAM but passing the tenant's own roles, and no other tenant's tag.",
    )
    for level, purpose in _LEVEL_PURPOSES.items():
        yield level_policy_name(level), f"The session policy of the permission set {level}. {purpose}"
