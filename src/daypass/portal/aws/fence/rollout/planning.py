"""The plan for an account: comparison, steps in a safe order, and what stops working. Changes nothing."""

from collections.abc import Collection, Mapping, Sequence

from daypass.portal.accounts.model import Account
from daypass.portal.accounts.rollout import (
    PolicyComparison,
    PolicyStatus,
    RolloutPlan,
    SetRoleComparison,
    Step,
    TenantFence,
)
from daypass.portal.aws.fence.rollout import roles
from daypass.portal.aws.fence.rollout.account_state import AccountState, PolicyState, RoleInAccount
from daypass.portal.aws.fence.rollout.differences import patch
from daypass.portal.aws.fence.rollout.losses import losses
from daypass.portal.aws.fence.rollout.order import (
    Change,
    TooLarge,
    changes,
    changes_back,
    changes_with_pause,
)
from daypass.portal.aws.fence.rollout.set_role_comparison import (
    compare_set_role,
    compare_unused,
    find_blocking_problem,
    find_obstacle,
)
from daypass.portal.aws.fence.rollout.set_role_steps import set_role_steps
from daypass.portal.aws.fence.rollout.set_roles_in_account import NO_SET_ROLES, SetRolesInAccount
from daypass.portal.aws.fence.rollout.statements import equal
from daypass.portal.aws.fence.rollout.versions import Rollout, former_versions
from daypass.portal.aws.policies import Document

PAUSE_HINT = (
    "With --pause, all tenants' sessions are denied everything until the last step, which needs no more room."
)


def plan(
    state: AccountState,
    wanted: Mapping[str, Document],
    migrated: Sequence[RoleInAccount] = (),
    *,
    pause: bool = False,
    set_roles: SetRolesInAccount = NO_SET_ROLES,
) -> RolloutPlan:
    """Return the plan that brings the shared policies to *wanted* and the roles *migrated* to their fence.

    It creates and repairs all *set_roles* that the account can have.
    """
    obstacles = []
    current = {name: policy.document for name, policy in state.policies.items()}
    steps: list[Step] = []
    is_possible = True
    try:
        changed = changes_with_pause(current, wanted) if pause else changes(current, wanted)
        steps += Rollout(state.policies, wanted).steps(changed if _differ(current, wanted) else ())
    except TooLarge as error:
        obstacles.append(f"{error} {PAUSE_HINT}")
        is_possible = False
    reasons = {role.arn: roles.obstacle(state.account, role, wanted) for role in migrated}
    obstacles += [reason for reason in reasons.values() if reason is not None]
    ready = [role for role in migrated if reasons[role.arn] is None]
    # A role must not get policies that are not complete.
    if is_possible:
        steps += [step for role in ready for step in roles.migration(state.account, role)]
    tenants = {role.tenant for role in ready}
    possible = [role for role in set_roles.used if not find_obstacle(state.account, role, tenants)]
    for set_role in possible:
        if problem := find_blocking_problem(set_role):
            obstacles.append(str(problem))
        elif is_possible:
            steps += set_role_steps(state.account, set_role)
    moved = [role for role in ready if roles.differences(state.account, role)]
    return RolloutPlan(
        account_id=state.account.id,
        policies=[compare(state.policies[name], wanted[name]) for name in wanted],
        tenants=[tenant_fence(state, role) for role in state.roles],
        steps=steps,
        losses=[loss for role in moved for loss in losses(role, wanted)],
        obstacles=obstacles,
        set_roles=compare_set_roles(state.account, set_roles, tenants),
    )


def rollback_plan(state: AccountState, wanted: Mapping[str, Document]) -> RolloutPlan:
    """Return the plan that makes the versions before the last rollout the default again; roles stay."""
    formers = former_versions(state.policies)
    obstacles, former, current = [], {}, {}
    for name, version_id in formers.items():
        policy = state.policies.get(name)
        contents = None if policy is None else policy.version(version_id)
        if policy is None or policy.document is None or contents is None:
            obstacles.append(f"{name}: version {version_id}, the one before the last rollout, is gone.")
            continue
        former[name], current[name] = contents, policy.document
    if not formers:
        obstacles.append(
            "No rollout has noted former versions in this account, so there is nothing to go back to. The "
            "creation of the policies notes none, nor does the repair of what was changed by hand."
        )
    steps: list[Step] = []
    if not obstacles:
        rollout = Rollout(state.policies, wanted)
        steps = [step for change in _back(former, current) for step in rollout.put(change)]
    return RolloutPlan(
        account_id=state.account.id,
        policies=[compare(state.policies[name], former[name]) for name in former],
        tenants=[tenant_fence(state, role) for role in state.roles],
        steps=steps,
        losses=(),
        obstacles=obstacles,
    )


def compare(policy: PolicyState, wanted: Document) -> PolicyComparison:
    """Compare a managed policy with the contents that it should have, ignoring the order of statements."""
    status = PolicyStatus.SAME if equal(policy.document, wanted) else PolicyStatus.DIFFERENT
    return PolicyComparison(
        name=policy.name,
        status=status if policy.exists else PolicyStatus.MISSING,
        default_version=policy.default_id or None,
        versions=[version.id for version in policy.versions],
        patch=[] if status is PolicyStatus.SAME else patch(policy.document, wanted),
    )


def tenant_fence(state: AccountState, role: RoleInAccount) -> TenantFence:
    """Return what a tenant's role has of the fence."""
    generation = role.generation(state.account)
    return TenantFence(
        tenant=role.tenant,
        role_arn=role.arn,
        generation=None if generation is None else int(generation),
        is_own=role.is_own,
        differences=roles.differences(state.account, role),
    )


def compare_set_roles(
    account: Account, set_roles: SetRolesInAccount, migrated: Collection[str] = ()
) -> Sequence[SetRoleComparison]:
    """Return the states of the roles of permission sets, those that nothing uses last."""
    used = [compare_set_role(account, role, migrated) for role in set_roles.used]
    return [*used, *(compare_unused(role) for role in set_roles.unused)]


def _back(former: Mapping[str, Document], current: Mapping[str, Document]) -> Sequence[Change]:
    return changes_back(former, current) if _differ(current, former) else ()


def _differ(current: Mapping[str, Document | None], wanted: Mapping[str, Document]) -> bool:
    return any(not equal(current.get(name), contents) for name, contents in wanted.items())
