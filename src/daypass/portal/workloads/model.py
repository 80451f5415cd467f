"""Workload rules, and the limits of the tokens that they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType

from daypass.portal.identity.model import User, UserId
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.tenants.model import TenantId
from daypass.portal.workloads.issuers.model import IssuerKind

RuleId = NewType("RuleId", str)

TAG_PREFIX = "daypass:claim:"
"""The beginning of the keys of session tags that are made from claims.

Trust policies allow the portal keys that begin with `daypass:`, so these need no change in AWS (decision
0072). The rest of the prefix keeps them apart from the portal's own keys.
"""


@dataclass(frozen=True, slots=True)
class RuleTenant:
    """A tenant that a rule's tokens reach, and the highest permission set that they get there."""

    tenant_id: TenantId
    name: str
    permission_set: PermissionSet


@dataclass(frozen=True, slots=True)
class WorkloadRule:
    """The conditions under which an ID token is exchanged, and the limits of the token that is given for it.

    A rule only narrows what its service account may do.
    """

    id: RuleId
    name: str
    kind: IssuerKind
    issuer: str
    audience: str
    claims: Mapping[str, str]
    """The demanded value of each claim; `claims.find_claim` reads the names."""
    user_id: UserId
    """The service account."""
    token_lifetime: timedelta
    session_limit: timedelta
    """The longest AWS session; it does not depend on the remaining life of the portal token."""
    tags: Mapping[str, str]
    """The name of the session tag for each claim that becomes one."""
    jwks: str | None = None
    """The JSON Web Key Set of a private issuer; None if its keys are found by discovery."""
    is_disabled: bool = False
    tenants: tuple[RuleTenant, ...] = ()
    """Sorted by name; a rule without tenants gives access to none."""


@dataclass(frozen=True, slots=True)
class RuleOfAccount:
    """A rule with its service account, as the database has them now."""

    rule: WorkloadRule
    account: User
    is_account_disabled: bool


@dataclass(frozen=True, slots=True)
class WorkloadLimits:
    """The access that a workload's rule allows in one tenant, and the session tags of its sessions."""

    rule_id: RuleId
    rule_name: str
    session_limit: timedelta
    tags: Mapping[str, str]
    """The values of session tags by name, without `TAG_PREFIX`."""
    permission_set: PermissionSet | None
    """The highest permission set in the tenant; None if the rule does not list the tenant."""

    @property
    def session_tags(self) -> Mapping[str, str]:
        """The session tags as AWS gets them."""
        return {TAG_PREFIX + name: value for name, value in self.tags.items()}
