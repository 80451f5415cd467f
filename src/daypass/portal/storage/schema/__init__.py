"""The tables of the database.

Tables and columns keep their first names, also where the code has another term since: `guesses` is the table
of rate limits, `door` is the channel, `asked_at` the time of the request, `role_facts` the cache of the state
of roles in AWS, and `plain_until` the time until which a role is assumed without attribution.
"""

from daypass.portal.storage.schema import (
    access,
    administration,
    audit,
    groups,
    identity,
    operation,
    provisioning,
    sign_in,
    tenants,
    workloads,
)
from daypass.portal.storage.schema.base import metadata

__all__ = [
    "access",
    "administration",
    "audit",
    "groups",
    "identity",
    "metadata",
    "operation",
    "provisioning",
    "sign_in",
    "tenants",
    "workloads",
]
