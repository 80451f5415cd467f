"""The permission set of a session in one account, by the level policies that the account has."""

from collections.abc import Callable, Set

from daypass.portal.accounts.model import LEVEL_POLICY_PREFIX
from daypass.portal.errors import AwsPolicyRefused
from daypass.portal.permission_sets.model import (
    FULL,
    READ_ONLY,
    ManagedPolicy,
    PermissionSet,
    PermissionSetId,
)

FindVerified = Callable[[str], Set[str]]
"""Returns the names of the policies that the last verification of an account found, by the account's id."""

READ_ONLY_POLICY = f"{LEVEL_POLICY_PREFIX}{READ_ONLY.name}"

READ_ONLY_LEVEL = PermissionSet(
    PermissionSetId(READ_ONLY_POLICY),
    READ_ONLY_POLICY,
    READ_ONLY.description,
    READ_ONLY.rank,
    policies=(ManagedPolicy(READ_ONLY_POLICY, is_aws_managed=False),),
)
"""The set that is sent to AWS for `READ_ONLY` in an account that has the level's policy.

It has another name than `READ_ONLY`, by which brokers know the set that is AWS's ReadOnlyAccess.
"""


def none_verified(_account_id: str) -> Set[str]:
    """Return no names: the answer for a portal whose accounts have no level policies."""
    return frozenset()


def set_in_account(
    permission_set: PermissionSet, account_id: str, find_verified: FindVerified, *, is_admin: bool
) -> PermissionSet:
    """Return the set whose policies the session gets; for `READ_ONLY` it is `READ_ONLY_LEVEL` where verified.

    The read-only level knows the services of tenants only, so a session of the master role keeps AWS's
    ReadOnlyAccess. Raises `AwsPolicyRefused` if a level policy of a custom set was not found in the account,
    and for a set that has both a role of its own and session policies.
    """
    if permission_set.name == FULL.name:
        return permission_set
    if permission_set.name == READ_ONLY.name:
        has_level = not is_admin and READ_ONLY_POLICY in find_verified(account_id)
        return READ_ONLY_LEVEL if has_level else permission_set
    if permission_set.has_own_role and not permission_set.is_only_a_role:
        # An earlier release does not know the column, and keeps it when it replaces the rest of the set.
        raise AwsPolicyRefused(
            f"The permission set “{permission_set.name}” has a role of its own and session policies, and may "
            "have only one of them. An Administrator has to save it again."
        )
    levels = {policy.name for policy in permission_set.policies if _is_level(policy)}
    missing = sorted(levels - find_verified(account_id)) if levels else []
    if missing:
        raise AwsPolicyRefused(
            f"The permission set “{permission_set.name}” needs {' and '.join(missing)} in account "
            f"{account_id}, and no verification has found {'it' if len(missing) == 1 else 'them'} there. "
            "The portal's operator runs `daypass portal fence apply`, then `daypass portal fence verify`."
        )
    return permission_set


def _is_level(policy: ManagedPolicy) -> bool:
    return not policy.is_aws_managed and policy.name.startswith(LEVEL_POLICY_PREFIX)
