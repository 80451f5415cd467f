"""Checks of the roles that permission sets have in tenants, each as before a session of it."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from daypass.portal.access.broker import AWS_TIME_LIMIT, Broker, Deadline, SetRole
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
        overlapping = longer_names(tenant.name, names)
        services = roles.services_of(tenant.id) if sets else None
        for permission_set in sets:
            role = SetRole.of(tenant, permission_set, services, overlapping)
            yield from run_check(SET_ROLE, tenant.name, partial(_findings, tenant.name, role, broker))


def _findings(subject: str, role: SetRole, broker: Broker) -> Iterator[Finding]:
    deadline = Deadline(time.monotonic() + AWS_TIME_LIMIT.total_seconds())
    problem = broker.find_set_role_problem(role, deadline)
    name = role_name(role.role_arn)
    if not problem:
        yield Finding(SET_ROLE, Level.FINE, subject, f"The role {name} is within the fence.")
        return
    sentence = f"The portal issues no sessions of {name}. {problem}"
    yield Finding(SET_ROLE, Level.WARNING, subject, sentence, "daypass portal fence plan")
