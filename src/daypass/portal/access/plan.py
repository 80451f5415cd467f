"""An attempt to get AWS access, and the plan that policy and limits allow for it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.access.authorization import AuthorizationContext
from daypass.portal.access.duration import choose, configured_limit, rule_limit
from daypass.portal.access.entitlements import Entitlement
from daypass.portal.access.model import (
    Allow,
    AssumeRoleParameters,
    Caller,
    IssuanceId,
    SessionRequest,
    Validity,
)
from daypass.portal.access.session_names import printable, session_name, session_tags
from daypass.portal.accounts.model import Account, Target
from daypass.portal.accounts.registry import Accounts
from daypass.portal.errors import AwsError, AwsPolicyRefused
from daypass.portal.identity.scopes import Scope
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, TENANT_VALIDITY
from daypass.portal.settings.setting import Setting
from daypass.portal.tenants.model import Access, Tenant, TenantId

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class IssuanceAttempt:
    """One caller's request for one session, with the issuance id and the decision on it."""

    id: IssuanceId
    caller: Caller
    request: SessionRequest
    asked_at: datetime
    context: AuthorizationContext
    account: Account
    """The account through which the role is reached."""
    target: Target
    """The role; its ARN is "" if the tenant was not found or may not be seen, or while the id is unknown."""

    @property
    def tenant(self) -> Tenant | None:
        """The requested tenant; None if it does not exist or the caller may not know that it exists."""
        return self.context.tenant

    @property
    def tenant_id(self) -> TenantId | None:
        """The id of the requested tenant even if the caller may not know of it; for the audit log only."""
        return self.context.tenant_id

    @property
    def is_admin(self) -> bool:
        """Whether the master role is requested."""
        return self.request.scope.is_admin

    @property
    def setting(self) -> Setting[timedelta]:
        """The setting that holds the configured duration of such sessions."""
        return ADMIN_JIT_SESSION_DURATION if self.is_admin else TENANT_VALIDITY

    @property
    def tenant_name(self) -> str | None:
        """The tenant's name, or the text given for it if there is no such tenant; None for admin access."""
        if self.context.tenant is not None:
            return self.context.tenant.name
        return None if self.is_admin else printable(self.request.scope.reference, _LONGEST_NAME)


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """The entitlement, permission set, duration and console page of an attempt that is allowed."""

    entitlement: Entitlement
    permission_set: PermissionSet
    validity: Validity
    destination: str | None
    """The console page to open; None if no console link is wanted."""
    session_set: PermissionSet
    """`permission_set` with the policies that the account has for it."""

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)


def choose_target(accounts: Accounts, scope: Scope, context: AuthorizationContext) -> tuple[Account, Target]:
    """Return the role for *scope* and the decision on it, and the account through which it is reached.

    A denial has the role of the tenant, since it chooses no permission set. The ARN of the role is "" if the
    tenant was not found, and for the admin scope while the id of the default account is unknown.
    """
    tenant, decision = context.tenant, context.decision
    if tenant is not None:
        target = tenant.target
        if isinstance(decision, Allow):
            target = tenant.target_of(decision.permission_set)
        return accounts.for_role(target.role_arn), target
    account = accounts.default
    if scope.is_admin:
        # Denials do not need the ARN, so they are recorded without it.
        with suppress(AwsError):
            return account, account.master_target
    return account, Target("", account.region)


def choose_validity(
    attempt: IssuanceAttempt, entitlement: Entitlement, role_maximum: timedelta | None, *, is_chained: bool
) -> Validity:
    """Return the longest duration that the settings and all other limits allow for *attempt*."""
    return choose(
        attempt.request.duration,
        configured_limit(attempt.context.values, attempt.setting),
        rule=rule_limit(attempt.context.workload),
        role_maximum=role_maximum,
        is_chained=is_chained,
        grant_ends_at=attempt.caller.token.grant_ends_at,
        entitlement_ends_at=entitlement.ends_at,
        now=attempt.asked_at,
    )


def set_role_refusal(
    attempt: IssuanceAttempt, permission_set: PermissionSet, problem: str
) -> AwsPolicyRefused:
    """Return the error for a permission set whose role has a *problem*, which only Administrators may read.

    It can name other principals and policies of the account.
    """
    if attempt.caller.user.is_administrator:
        return AwsPolicyRefused(problem)
    return AwsPolicyRefused(
        f"The role of the permission set “{permission_set.name}” in “{attempt.tenant_name}” failed its "
        "check, so no session was issued. Ask an Administrator: the page of the permission set shows the "
        "reason."
    )


def assume_role_parameters(attempt: IssuanceAttempt, plan: SessionPlan) -> AssumeRoleParameters:
    """Return the parameters of the AssumeRole call for *plan*."""
    user, target = attempt.caller.user, attempt.target
    return AssumeRoleParameters(
        role_arn=target.role_arn,
        region=target.region,
        session_name=session_name(user.username),
        duration=plan.validity.duration,
        external_id=target.external_id,
        source_identity=user.id,
        tags=session_tags(attempt.id, attempt.tenant, attempt.context.workload),
        permission_set=plan.session_set,
    )
