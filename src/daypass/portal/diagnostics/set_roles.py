"""Checks of the roles that permission sets have in tenants, each as before a session of it."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from daypass.portal.access.broker import AWS_TIME_LIMIT, Broker, Deadline, SetRole
from daypass.portal.accounts.model import Generation
from daypass.portal.aws.fence.collisions import longer_names
from daypass.portal.aws.iam import AwsRoles, role_name
from daypass.portal.diagnostics.finding import Finding, Level, run_check
from daypass.portal.permission_sets.store import find_sets_with_own_roles
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

SET_ROLE = "set_role"
"""The code of a finding on such a role."""


def set_role_findings(
    tenants: Sequence[Tenant], database: Database, broker: Broker, roles: AwsRoles
) -> Iterator[Finding]:
    """Yield the state of each role, of each permission set with a role of its own in each tenant."""
    sets = find_sets_with_own_roles(database)
    names = [tenant.name for tenant in tenants]
    for tenant in tenants:
        overlapping = tuple(longer_names(tenant.name, names))
        services = roles.services_of(tenant.id) if sets else None
        for permission_set in sets:
            target = tenant.target.of_set(tenant.name, permission_set)
            role = SetRole(
                role_arn=target.role_arn,
                tenant_role_arn=tenant.target.role_arn,
                tenant=tenant.name,
                external_id=target.external_id,
                services=services,
                overlapping=overlapping,
            )
            yield from run_check(SET_ROLE, tenant.name, partial(_findings, tenant, role, broker, roles))


def _findings(tenant: Tenant, role: SetRole, broker: Broker, roles: AwsRoles) -> Iterator[Finding]:
    deadline = Deadline(time.monotonic() + AWS_TIME_LIMIT.total_seconds())
    problem = broker.find_set_role_problem(role, deadline)
    name = role_name(role.role_arn)
    if not problem:
        yield Finding(SET_ROLE, Level.FINE, tenant.name, f"The role {name} is within the fence.")
        return
    command, sentence = "daypass portal fence plan", f"The portal issues no sessions of {name}. {problem}"
    own = roles.read(tenant.target.role_arn)
    if roles.account.generation_of(own.boundary_arn) is not Generation.SHARED:
        # Without the migration, `fence apply` does not make the role, whatever the problem says.
        sentence = (
            f"The portal issues no sessions of {name}: a tenant gets such a role once its own role is of "
            f"generation {int(Generation.SHARED)}. The plan lists what the migration changes."
        )
        command = f"{command} --tenant {tenant.name}"
    yield Finding(SET_ROLE, Level.WARNING, tenant.name, sentence, command)
