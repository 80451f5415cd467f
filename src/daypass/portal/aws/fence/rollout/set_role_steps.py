"""The calls to IAM that create the role of a permission set, or repair it.

A new role may be assumed by no one until the last call, whose trust policy lets the portal in. Only such an
unfinished role gets the policies that allow: of a finished one, an operator may have detached some on
purpose. The denials, the boundary, the tag and the service limit come before, in every role.
"""

from collections.abc import Iterator, Sequence

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.rollout import Step
from daypass.portal.aws.fence.rollout.set_role_comparison import is_own_limit, problems_of, wanted_trust
from daypass.portal.aws.fence.rollout.set_roles_in_account import SetRoleInAccount
from daypass.portal.aws.fence.services_policy import SERVICES_POLICY, services_policy
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import SESSION_ACTIONS, TENANT_TAG, as_list, document, to_json
from daypass.portal.aws.set_role.judgement import (
    DENYING,
    Part,
    SetRoleState,
    managed_policy_arn,
    only_denies,
    problems,
)

_UNFINISHED = "DaypassUnfinished"
_CLOSED = document(
    {"Sid": _UNFINISHED, "Effect": "Deny", "Principal": "*", "Action": SESSION_ACTIONS[0]},
)
_ALLOWING = [name for name in FENCE_POLICY_NAMES if name not in DENYING]


def set_role_steps(account: Account, role: SetRoleInAccount) -> Iterator[Step]:
    """Yield the calls, in a safe order; none for a role that is complete.

    The tenant has no obstacle, and the role no blocking problem.
    """
    name, arn, wanted = role.name, role.wanted.role_arn, role.wanted
    boundary = account.boundary_of(Generation.SHARED)
    state = role.state
    if state is None:
        yield _create(role, boundary)
        tags = [(TENANT_TAG, wanted.tenant)]
        state = SetRoleState(arn, _CLOSED, boundary, tags, attached=[], inline={})
    elif state.boundary_arn != boundary:
        yield Step(
            "put_role_permissions_boundary",
            {"RoleName": name, "PermissionsBoundary": boundary},
            f"{name}: set the boundary {Generation.SHARED.boundary}",
            "its sessions get no more than those of the tenant's role",
        )
    yield from _tag(name, wanted.tenant, state)
    yield from _attach(name, arn, DENYING, state, "deny before anything is allowed")
    yield from _limit(name, role, state)
    if is_unfinished(state):
        yield from _attach(name, arn, _ALLOWING, state, "allow what the fence allows")
    if is_unfinished(state) or Part.TRUST in {problem.part for problem in problems_of(role)}:
        yield _open(role)


def is_unfinished(state: SetRoleState) -> bool:
    """Return whether the creation of a role did not reach its last call, and no one may assume it."""
    statements = as_list((state.trust or {}).get("Statement"))
    # An operator may have let others in since, and they must not get the tenant's rights.
    return only_denies(state.trust) and any(one.get("Sid") == _UNFINISHED for one in statements)


def _create(role: SetRoleInAccount, boundary: str) -> Step:
    tenant = role.wanted.tenant
    return Step(
        "create_role",
        {
            "RoleName": role.name,
            "AssumeRolePolicyDocument": to_json(_CLOSED),
            "Description": f"Sessions of the tenant {tenant} with the permission set {role.permission_set}.",
            "PermissionsBoundary": boundary,
            "Tags": [{"Key": TENANT_TAG, "Value": tenant}],
        },
        f"{role.name}: create the role, which no one may assume yet",
        f"the permission set {role.permission_set} has a role of its own in each tenant",
    )


def _tag(name: str, tenant: str, state: SetRoleState) -> Iterator[Step]:
    # IAM takes two such keys for the same one, and keeps the spelling of the first.
    odd = [key for key, _ in state.tags if key != TENANT_TAG and key.lower() == TENANT_TAG.lower()]
    if odd:
        yield Step(
            "untag_role",
            {"RoleName": name, "TagKeys": odd},
            f"{name}: remove the tag {', '.join(odd)}",
            f"policies would take it for {TENANT_TAG}",
        )
    if (TENANT_TAG, tenant) not in state.tags:
        yield Step(
            "tag_role",
            {"RoleName": name, "Tags": [{"Key": TENANT_TAG, "Value": tenant}]},
            f"{name}: set the tag {TENANT_TAG}",
            "the shared policies take the tenant from it",
        )


def _attach(name: str, arn: str, names: Sequence[str], state: SetRoleState, reason: str) -> Iterator[Step]:
    for each in names:
        policy = managed_policy_arn(arn, each)
        if policy not in state.attached:
            yield Step(
                "attach_role_policy",
                {"RoleName": name, "PolicyArn": policy},
                f"{name}: attach {each}",
                reason,
            )


def _limit(name: str, role: SetRoleInAccount, state: SetRoleState) -> Iterator[Step]:
    services, present = role.wanted.services, state.inline.get(SERVICES_POLICY)
    if services is not None and Part.SERVICES in {
        problem.part for problem in problems(state, role.wanted, "")
    }:
        yield Step(
            "put_role_policy",
            {
                "RoleName": name,
                "PolicyName": SERVICES_POLICY,
                "PolicyDocument": to_json(services_policy(services)),
            },
            f"{name}: limit the role to the services of the tenant",
            "a setting limits the tenant to some AWS services",
        )
    elif services is None and present is not None and is_own_limit(present):
        yield Step(
            "delete_role_policy",
            {"RoleName": name, "PolicyName": SERVICES_POLICY},
            f"{name}: delete the inline policy “{SERVICES_POLICY}”",
            "the tenant is not limited to some AWS services any more",
        )


def _open(role: SetRoleInAccount) -> Step:
    return Step(
        "update_assume_role_policy",
        {"RoleName": role.name, "PolicyDocument": to_json(wanted_trust(role))},
        f"{role.name}: let the portal assume the role, and no one else",
        "the role is complete by now",
    )
