"""Checks for tenants whose names overlap, which only earlier versions let an Administrator create."""

from collections.abc import Iterator, Sequence
from functools import partial

from daypass.portal.accounts.model import Generation
from daypass.portal.aws import patches
from daypass.portal.aws.compare import lacking
from daypass.portal.aws.fence.collisions import (
    COLLISION_POLICY,
    collision_denies,
    collision_policies,
    longer_names,
)
from daypass.portal.aws.iam import AwsRoles, role_name
from daypass.portal.diagnostics.finding import Finding, Level, run_check
from daypass.portal.tenants.model import Tenant


def collision_findings(tenants: Sequence[Tenant], roles: AwsRoles) -> Iterator[Finding]:
    """Yield a finding for each tenant of one account that may access another's resources by their names.

    Nothing is found for a tenant whose role has the denies. Roles of tenants without overlap are not read.
    """
    names = [tenant.name for tenant in tenants]
    for tenant in tenants:
        if longer := longer_names(tenant.name, names):
            yield from run_check("collision", tenant.name, partial(_findings, tenant, longer, roles))


def _findings(tenant: Tenant, longer: Sequence[str], roles: AwsRoles) -> Iterator[Finding]:
    if commands := _commands(tenant, longer, roles):
        resources = ", ".join(f"{roles.account.role_prefix}{name}-…" for name in longer)
        sentence = (
            f"The tenant's name pattern also matches the resources of {' and '.join(longer)} ({resources}), "
            "so its members can access them. The command denies that."
        )
        yield Finding("collision", Level.WARNING, tenant.name, sentence, " && ".join(commands))


def _commands(tenant: Tenant, longer: Sequence[str], roles: AwsRoles) -> Sequence[str]:
    """Return the commands that add the missing denies to the tenant's role."""
    account, role_arn = roles.account, tenant.target.role_arn
    name = role_name(role_arn)
    if roles.boundary_arn(role_arn) != account.boundary_of(Generation.SHARED):
        expected = collision_denies(account, longer)
        is_missing = lacking(roles.policy(role_arn, COLLISION_POLICY) or {}, expected)
        return [patches.put_role_policy(name, COLLISION_POLICY, expected)] if is_missing else []
    commands, attached = [], roles.attached(role_arn)
    for policy, expected in collision_policies(account, tenant.name, longer).items():
        arn, actual = account.policy_arn(policy), roles.managed_policy(policy)
        if actual is None:
            commands.append(patches.create_policy(policy, expected))
        elif lacking(actual, expected):
            commands.append(patches.new_version(arn, expected))
        if arn not in attached:
            commands.append(patches.attach_policy(name, arn))
    return commands
