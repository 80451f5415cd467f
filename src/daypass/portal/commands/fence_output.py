"""The output of `daypass portal fence`: text for people, commands of the AWS CLI, and JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from daypass.common.counting import counted
from daypass.portal.accounts.model import Generation

if TYPE_CHECKING:
    from daypass.portal.accounts.rollout import (
        Loss,
        PolicyComparison,
        RolloutPlan,
        SetRoleComparison,
        TenantFence,
    )
    from daypass.portal.aws.fence.rollout.rollouts import Verification

MANAGED_ELSEWHERE = (
    "Where you may not write to IAM, give the owner of the account the output of `daypass portal fence plan "
    "--format cli`. That of `daypass portal aws-setup --format cloudformation` or `--format terraform` has "
    "the shared policies, and no roles of tenants and permission sets."
)
_MARKS = {"same": "✓", "different": "!", "missing": "+"}
_SET_ROLES = {
    "ready": ("✓", ""),
    "missing": ("+", " is missing"),
    "wrong": ("!", " is refused by the portal:"),
    "not possible": ("–", " is not possible:"),
    "unused": ("?", " is used by no set or tenant; to delete it:"),
}


def plan_text(plan: "RolloutPlan") -> str:
    """Return a plan for people."""
    return "\n".join(_plan_lines(plan))


def plan_commands(plan: "RolloutPlan") -> str:
    """Return a plan as a shell script of AWS CLI commands, each with its reason."""
    lines = [
        f"# The fence of the account {plan.account_id}, {counted(len(plan.steps), 'step')} in this order.",
        "set -eu",
    ]
    lines += [f"# Not included: {obstacle}" for obstacle in plan.obstacles]
    for step in plan.steps:
        lines += ["", f"# {step.sentence}: {step.reason}.", step.command]
    return "\n".join(lines)


def plan_json(plan: "RolloutPlan") -> str:
    """Return a plan as JSON."""
    steps = [asdict(step) | {"command": step.command} for step in plan.steps]
    return json.dumps(asdict(plan) | {"steps": steps, "is_complete": plan.is_complete}, indent=2)


def verification_text(verification: "Verification") -> str:
    """Return a verification for people."""
    lines = [*_policies(verification.policies), "", "Tenants with roles of generation 2"]
    lines += list(_tenants(verification.tenants)) or ["  none"]
    lines += _set_roles(verification.set_roles)
    lines += ["", "No differences." if verification.is_complete else "There are differences."]
    return "\n".join(lines)


def verification_json(verification: "Verification") -> str:
    """Return a verification as JSON."""
    content = {
        "policies": [asdict(policy) for policy in verification.policies],
        "tenants": [asdict(tenant) for tenant in verification.tenants],
        "set_roles": [asdict(role) for role in verification.set_roles],
        "is_complete": verification.is_complete,
    }
    return json.dumps(content, indent=2)


def _plan_lines(plan: "RolloutPlan") -> Iterator[str]:
    yield f"Account {plan.account_id}"
    if plan.policies:
        yield from ("", *_policies(plan.policies))
    if plan.tenants:
        yield from ("", "Tenants", *_tenants(plan.tenants))
        if any(tenant.generation != Generation.SHARED for tenant in plan.tenants):
            yield "  --tenant NAME and --all-tenants migrate roles to generation 2."
    yield from _set_roles(plan.set_roles)
    if plan.losses:
        yield from ("", "Stops working")
        yield from _losses(plan.losses)
    if plan.obstacles:
        yield from ("", "Not possible", *(f"  ✗ {obstacle}" for obstacle in plan.obstacles))
    if plan.steps:
        yield from ("", "Steps")
        for number, step in enumerate(plan.steps, 1):
            yield f"  {number:>3}. {step.sentence} – {step.reason}"
        yield from ("", MANAGED_ELSEWHERE)
    elif not plan.obstacles:
        yield from ("", "Nothing to do.")


def _losses(losses: "Sequence[Loss]") -> Iterator[str]:
    """Yield a line for each loss; tenants that lose the same share one."""
    tenants: dict[tuple[str, str, str], list[str]] = {}
    for loss in losses:
        actions = ", ".join(loss.actions)
        tenants.setdefault((loss.policy, actions, loss.reason), []).append(loss.tenant)
    for (policy, actions, reason), names in tenants.items():
        yield f"  {', '.join(names)} (policy {policy}): {actions} – {reason}"


def _policies(policies: "Sequence[PolicyComparison]") -> Iterator[str]:
    yield "Shared policies"
    for policy in policies:
        version = "" if policy.default_version is None else f" {policy.default_version}"
        yield f"  {_MARKS[policy.status]} {policy.name}{version}{_remark(policy)}"
        yield from (f"      {line}" for line in policy.patch if policy.status == "different")


def _remark(policy: "PolicyComparison") -> str:
    return {"same": "", "different": " differs:", "missing": " is missing"}[policy.status]


def _tenants(tenants: "Sequence[TenantFence]") -> Iterator[str]:
    for tenant in tenants:
        yield f"  {_tenant(tenant)}"
        if tenant.generation == Generation.SHARED:
            yield from (f"      {difference}" for difference in tenant.differences)


def _tenant(tenant: "TenantFence") -> str:
    mark = "✓" if not tenant.differences else "!"
    kind = "no boundary of Daypass" if tenant.generation is None else f"generation {tenant.generation}"
    own = f", entered role {tenant.role_arn}" if tenant.is_own else ""
    return f"{mark} {tenant.tenant}: {kind}{own}"


def _set_roles(roles: "Sequence[SetRoleComparison]") -> Iterator[str]:
    if roles:
        yield from ("", "Roles of permission sets")
    for role in roles:
        mark, remark = _SET_ROLES[role.status]
        yield f"  {mark} {role.role_arn.rpartition('/')[2]}{remark}"
        # The steps say how a missing role is created.
        lines = () if role.status == "missing" else (*role.problems, *role.commands)
        yield from (f"      {line}" for line in lines)
