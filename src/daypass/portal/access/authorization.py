"""Reading of the data for an authorization decision, and the decision itself.

An issuance does both twice: before its intent, and again before the credentials are released.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from daypass.portal.access.broker import SetRole
from daypass.portal.access.entitlements import current, within_rule
from daypass.portal.access.model import (
    Allow,
    AuthorizationData,
    CachedRole,
    Caller,
    Decision,
)
from daypass.portal.access.policy import SetRequest, decide, find_consent_refusal, tenant_not_found
from daypass.portal.access.store.authorization import AuthorizationReader
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.errors import Unauthenticated
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.identity.scopes import Scope
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.settings.store import EffectiveSettings, SettingStore
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.model import WorkloadLimits
from daypass.portal.workloads.store.tokens import WorkloadTokenStore


@dataclass(frozen=True, slots=True)
class AuthorizationContext:
    """The decision on a request and the data it is based on, as read from the database just now."""

    decision: Decision
    values: EffectiveSettings
    role: CachedRole
    """The cached state of the role of which the decision allows sessions; for a denial, the tenant's role."""
    tenant: Tenant | None
    """The requested tenant; None if it does not exist or the caller may not know that it exists."""
    tenant_id: TenantId | None
    """The id of the requested tenant even if the caller may not know of it; for the audit log only."""
    set_role: SetRole | None = None
    """The role that the decision is about, if its permission set has one of its own."""
    workload: WorkloadLimits | None = None
    """The limits of the rule by which the caller's token was given; None for tokens of other kinds."""


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A tenant visible to the caller and the cached state of its role."""

    tenant: Tenant
    role: CachedRole


def read_context(
    connection: Connection,
    caller: Caller,
    scope: Scope,
    master_role_arn: str,
    now: datetime,
    permission_set: str | None = None,
) -> AuthorizationContext:
    """Read the context of a request and decide on it; entitlements that have ended by *now* do not count.

    *permission_set* is the name of the requested set, if the request names one. Raises `Unauthenticated` if
    the user was disabled or the token ended since the caller was authenticated.
    """
    data = _read_data(connection, caller, scope, master_role_arn, permission_set)
    entitlements = current(data.entitlements, now)
    tenant_id = data.tenant.id if data.tenant else None
    values = SettingStore(connection).read(tenant_id)
    requested = None if permission_set is None else SetRequest(permission_set, data.requested_set)
    decision = decide(data.user, scope, entitlements, caller.channel, values, requested)
    if isinstance(decision, Allow):
        # Checked last: signing in again with a wider consent does not help a user whom policy denies.
        decision = find_consent_refusal(caller.token, scope) or decision
    context = AuthorizationContext(
        decision=decision,
        values=values,
        role=data.role,
        tenant=data.tenant if entitlements else None,
        tenant_id=tenant_id,
        workload=data.workload,
    )
    if isinstance(decision, Allow) and decision.permission_set.has_own_role and data.tenant is not None:
        return _with_set_role(connection, context, data.tenant, decision.permission_set)
    return context


def _with_set_role(
    connection: Connection, context: AuthorizationContext, tenant: Tenant, permission_set: PermissionSet
) -> AuthorizationContext:
    """Return *context* with the role of the set, which takes two more statements for such sessions only."""
    overlapping = TenantStore(connection).overlapping(tenant.name, tenant.target.account_id)
    services = context.values.get_optional(TENANT_SERVICES)
    set_role = SetRole.of(tenant, permission_set.name, services, overlapping)
    return replace(context, role=CachedRoleStore(connection).find(set_role.role_arn), set_role=set_role)


def read_tenant(connection: Connection, caller: Caller, reference: str, now: datetime) -> TenantContext:
    """Return the tenant with this name or id, for uses other than issuing credentials.

    Raises `TenantNotFound` if it does not exist or the caller may not know of it, and `Unauthenticated` like
    `read_context`.
    """
    data = _read_data(connection, caller, Scope.of_tenant(reference), "")
    if data.tenant is None or not current(data.entitlements, now):
        raise tenant_not_found(reference)
    return TenantContext(data.tenant, data.role)


def _read_data(
    connection: Connection,
    caller: Caller,
    scope: Scope,
    master_role_arn: str,
    permission_set: str | None = None,
) -> AuthorizationData:
    reader = AuthorizationReader(connection)
    data = reader.read(caller.user.id, caller.token.id, scope, master_role_arn, permission_set)
    if data is None or not data.is_active:
        raise Unauthenticated(_ENDED)
    # Only a workload's token needs this statement.
    return _within_rule(connection, caller, data) if caller.token.kind is TokenKind.WORKLOAD else data


def _within_rule(connection: Connection, caller: Caller, data: AuthorizationData) -> AuthorizationData:
    """Return *data* reduced to what the rule of a workload's token allows."""
    tenant_id = None if data.tenant is None else data.tenant.id
    limits = WorkloadTokenStore(connection).find_limits(caller.token.id, tenant_id)
    if limits is None:
        raise Unauthenticated(_ENDED)
    return replace(
        data,
        user=replace(data.user, role=Role.USER),
        entitlements=within_rule(data.entitlements, limits.permission_set),
        workload=limits,
    )


_ENDED = "Your access to the portal has just ended. Sign in again."
