"""The managed policies that an account has for the fence of generation 2, by their names in IAM."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws.fence.documents import POLICIES, boundary, fence, policy_name
from daypass.portal.aws.fence.levels import level_policy_name, levels
from daypass.portal.aws.policies import Document

FENCE_POLICY_NAMES: Sequence[str] = tuple(policy_name(policy) for policy in POLICIES)
"""The names of the policies that are attached to a role of generation 2."""

REQUIRED_POLICY_NAMES: Sequence[str] = (*FENCE_POLICY_NAMES, Generation.SHARED.boundary)
"""The names of the policies without which an account cannot have a role of generation 2."""


def shared_policies(account: Account) -> Mapping[str, Document]:
    """Return the documents of the attached policies, the boundary and the permission sets, in this order."""
    return {
        **{policy_name(name): policy for name, policy in fence(account).items()},
        Generation.SHARED.boundary: boundary(account),
        **{level_policy_name(level): policy for level, policy in levels().items()},
    }


def digest(policy: Mapping[str, object]) -> str:
    """Return the SHA-256 of a policy document in hexadecimal, which the order of its keys does not change."""
    return sha256(json.dumps(policy, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
