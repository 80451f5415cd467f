"""The roles of permission sets in an account, compared with what the portal demands of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from daypass.portal.accounts.model import SET_ROLE_PREFIX, Account, Generation, set_roles_obstacle
from daypass.portal.accounts.rollout import SetRoleComparison, SetRoleStatus
from daypass.portal.aws.fence.documents import size
from daypass.portal.aws.fence.rollout.set_roles_in_account import SetRoleInAccount, UnusedRole
from daypass.portal.aws.fence.services_policy import LARGEST_INLINE_POLICIES, SERVICES_POLICY, services_policy
from daypass.portal.aws.patches import aws_cli
from daypass.portal.aws.policies import Document, as_list
from daypass.portal.aws.set_role.judgement import (
    DENYING,
    REPAIRED,
    Part,
    Problem,
    SetRoleState,
    find_overlap,
    only_denies,
    problems,
)
from daypass.portal.aws.trust.policy import merge_trust, trust_policy


def find_obstacle(account: Account, role: SetRoleInAccount, migrated: Collection[str] = ()) -> str:
    """Return why the tenant cannot have the role, as a sentence, or "".

    *migrated* are the tenants whose roles get the fence of generation 2 before.
    """
    tenant_role, tenant = role.tenant_role, role.wanted.tenant
    if obstacle := set_roles_obstacle(account.role_prefix):
        return obstacle
    is_shared = tenant_role.generation(account) is Generation.SHARED or tenant in migrated
    if not tenant_role.exists or not is_shared:
        return (
            f"The role of the tenant is not of generation {int(Generation.SHARED)}, so one with the shared "
            f"policies would have more rights. `daypass portal fence apply --tenant {tenant}` migrates it."
        )
    if overlap := find_overlap(role.wanted):
        return str(overlap)
    if portal_principal(tenant_role.trust) is None:
        return (
            f"The trust policy of {tenant_role.arn} does not tell which of its principals is the portal. "
            "`daypass portal doctor` prints how to correct it."
        )
    return ""


def compare_set_role(
    account: Account, role: SetRoleInAccount, migrated: Collection[str] = ()
) -> SetRoleComparison:
    """Return the state of a role; *migrated* are as in `find_obstacle`."""
    found = list(problems_of(role))
    obstacle = find_obstacle(account, role, migrated)
    reasons = [obstacle] if obstacle else [str(problem) for problem in found]
    if obstacle:
        status = SetRoleStatus.NOT_POSSIBLE
    elif role.state is None:
        status = SetRoleStatus.MISSING
    else:
        status = SetRoleStatus.WRONG if found else SetRoleStatus.READY
    return SetRoleComparison(role.permission_set, role.wanted.tenant, role.wanted.role_arn, status, reasons)


def compare_unused(role: UnusedRole) -> SetRoleComparison:
    """Return the state of a role that nothing uses, with the commands that delete it."""
    name = role.arn.rpartition("/")[2]
    tenant, _, permission_set = name[len(SET_ROLE_PREFIX) :].partition(".")
    detach = ("iam", "detach-role-policy", "--role-name", name, "--policy-arn")
    delete = ("iam", "delete-role-policy", "--role-name", name, "--policy-name")
    # Running sessions of the role go on, so the policies that deny are there until nothing is allowed.
    denying = [arn for arn in role.attached if arn.rpartition("/")[2] in DENYING]
    commands = [
        *(aws_cli(*detach, arn) for arn in role.attached if arn not in denying),
        *(aws_cli(*delete, policy) for policy in role.inline),
        *(aws_cli(*detach, arn) for arn in denying),
        aws_cli("iam", "delete-role", "--role-name", name),
    ]
    return SetRoleComparison(permission_set, tenant, role.arn, SetRoleStatus.UNUSED, commands=commands)


def find_blocking_problem(role: SetRoleInAccount) -> Problem | None:
    """Return the first problem that Daypass does not repair, because it may be an operator's own choice."""
    state = role.state
    if state is None:
        return None
    foreign = (problem for problem in problems_of(role) if problem.part not in REPAIRED)
    own = (find(state, role) for find in (_find_closed, _find_taken_name, _find_excess))
    return next(chain(foreign, filter(None, own)), None)


def problems_of(role: SetRoleInAccount) -> Iterator[Problem]:
    """Yield the reasons for which the portal would not use the role."""
    # Without the portal's principal no trust policy is right; `find_obstacle` says it then.
    return problems(role.state, role.wanted, portal_principal(role.tenant_role.trust) or "")


def portal_principal(trust: Mapping[str, Any]) -> str | None:
    """Return the portal's principal in the trust policy of a tenant's role; None if it cannot be told."""
    allows = [one for one in as_list(trust.get("Statement")) if one.get("Effect") == "Allow"]
    own = [one for one in allows if one.get("Sid") == "DaypassAssume"]
    principals = {str(each) for one in own or allows for each in _aws_principals(one)}
    arn = next(iter(principals), "")
    # The root user's ARN means the whole account.
    is_one = len(principals) == 1 and arn.startswith("arn:") and not arn.endswith(":root")
    return arn if is_one else None


def is_own_limit(policy: Mapping[str, Any]) -> bool:
    """Return whether Daypass wrote the inline policy, not an operator who gave it the same name."""
    statements = as_list(policy.get("Statement"))
    return only_denies(policy) and [one.get("Sid") for one in statements] == ["Services"]


def wanted_trust(role: SetRoleInAccount) -> Document:
    """Return the trust policy for the portal alone, with the Deny statements that an operator added."""
    principal = portal_principal(role.tenant_role.trust) or ""
    own = trust_policy(principal, role.wanted.external_id, role.wanted.tenant)
    current = (role.state.trust if role.state is not None else None) or {}
    denies = [
        one
        for one in as_list(current.get("Statement"))
        if isinstance(one, Mapping) and one.get("Effect") == "Deny"
    ]
    return merge_trust({**own, **current, "Statement": denies}, own, principal)


def _aws_principals(statement: Mapping[str, Any]) -> Sequence[object]:
    principal = statement.get("Principal")
    return as_list(principal.get("AWS")) if isinstance(principal, Mapping) else [principal]


def _find_closed(state: SetRoleState, role: SetRoleInAccount) -> Problem | None:
    """Return the problem that an operator's own Deny statement keeps the portal out."""
    principal = portal_principal(role.tenant_role.trust) or ""
    repaired = replace(state, trust=wanted_trust(role))
    for problem in problems(repaired, role.wanted, principal):
        if problem.part is Part.TRUST:
            remedy = "correct or remove this statement with `aws iam update-assume-role-policy`."
            return replace(problem, remedy=remedy)
    return None


def _find_taken_name(state: SetRoleState, role: SetRoleInAccount) -> Problem | None:
    """Return the problem that an operator's own inline policy has the name of the service limit."""
    present = state.inline.get(SERVICES_POLICY)
    if role.wanted.services is None or present is None or is_own_limit(present):
        return None
    said = (
        f"The inline policy “{SERVICES_POLICY}” of {role.wanted.role_arn} has statements that are not "
        "Daypass's, and the tenant's service limit needs this name."
    )
    return Problem(Part.INLINE, said, "move these statements into an inline policy of another name.")


def _find_excess(state: SetRoleState, role: SetRoleInAccount) -> Problem | None:
    """Return the problem that the service limit does not fit beside the operator's inline policies."""
    if role.wanted.services is None:
        return None
    others: Sequence[Document] = [
        dict(policy or {}) for name, policy in state.inline.items() if name != SERVICES_POLICY
    ]
    total = sum(map(size, (services_policy(role.wanted.services), *others)))
    if total <= LARGEST_INLINE_POLICIES:
        return None
    said = (
        f"The inline policies of {role.wanted.role_arn} would have {total:,} characters with the limit of "
        f"services, and AWS allows {LARGEST_INLINE_POLICIES:,}."
    )
    return Problem(Part.INLINE, said, "shorten the others.")
