"""Checks for tenants whose names overlap, which only earlier versions let an Administrator create."""

from collections.abc import Iterator, Sequence
from functools import partial

from daypass.portal.aws import patches
from daypass.portal.aws.collisions import COLLISION_POLICY, collision_denies, longer_names
from daypass.portal.aws.compare import lacking
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
    expected = collision_denies(roles.account, longer)
    actual = roles.policy(tenant.target.role_arn, COLLISION_POLICY)
    if lacking(actual or {}, expected):
        resources = ", ".join(f"{roles.account.role_prefix}{name}-…" for name in longer)
        sentence = (
            f"The tenant's name pattern also matches the resources of {' and '.join(longer)} ({resources}), "
            "so its members can access them. The command denies that."
        )
        patch = patches.put_role_policy(role_name(tenant.target.role_arn), COLLISION_POLICY, expected)
        yield Finding("collision", Level.WARNING, tenant.name, sentence, patch)
