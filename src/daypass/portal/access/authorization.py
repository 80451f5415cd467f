"""Reading what an authorization decision depends on.

An issuance reads it twice: to decide, and again before the credentials are released.
"""

from dataclasses import dataclass

from daypass.portal.access.model import Allow, Caller, Decision, Scope, TenantScope
from daypass.portal.access.policy import decide, may_see, refuse_beyond_consent, tenant_not_found
from daypass.portal.access.store import FactStore, IssuanceFacts, RoleFacts
from daypass.portal.errors import Unauthenticated
from daypass.portal.settings.store import SettingStore, Values
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Tenant, TenantId


@dataclass(frozen=True, slots=True)
class AuthorizationContext:
    """The decision on a request and the data it is based on, as read from the database just now."""

    decision: Decision
    values: Values
    role: RoleFacts
    tenant: Tenant | None
    """The requested tenant; None if it does not exist or the caller may not know that it exists."""
    tenant_id: TenantId | None
    """The id of the requested tenant even if the caller may not know of it; for the audit log only."""


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A tenant visible to the caller and the cached facts about its role."""

    tenant: Tenant
    role: RoleFacts


def read_context(
    connection: Connection, caller: Caller, scope: Scope, master_role_arn: str
) -> AuthorizationContext:
    """Read the context of a request and decide on it.

    Raises `Unauthenticated` if the user was disabled or the token ended since the caller was authenticated.
    """
    facts = _read_facts(connection, caller, _reference(scope), master_role_arn)
    tenant_id = facts.tenant.tenant.id if facts.tenant else None
    values = SettingStore(connection).read(tenant_id)
    decision = decide(facts.user, scope, facts.tenant, caller.channel, values)
    if isinstance(decision, Allow):
        # Checked last: signing in again with a wider consent does not help a user whom policy denies.
        decision = refuse_beyond_consent(caller.token, scope) or decision
    return AuthorizationContext(
        decision=decision,
        values=values,
        role=facts.role,
        tenant=facts.tenant.tenant if facts.tenant and may_see(facts.user, facts.tenant) else None,
        tenant_id=tenant_id,
    )


def read_tenant(connection: Connection, caller: Caller, reference: str) -> TenantContext:
    """Return the tenant with this name or id, for uses other than issuing credentials.

    Raises `TenantNotFound` if it does not exist or the caller may not know of it, and `Unauthenticated` like
    `read_context`.
    """
    facts = _read_facts(connection, caller, _reference(TenantScope(reference)), "")
    if facts.tenant is None or not may_see(facts.user, facts.tenant):
        raise tenant_not_found(reference)
    return TenantContext(facts.tenant.tenant, facts.role)


def _read_facts(
    connection: Connection, caller: Caller, reference: str | None, master_role_arn: str
) -> IssuanceFacts:
    facts = FactStore(connection).find(caller.user.id, caller.token.id, reference, master_role_arn)
    if facts is None or not facts.is_active:
        raise Unauthenticated("Your access to the portal has just ended. Sign in again.")
    return facts


def _reference(scope: Scope) -> str | None:
    # No tenant has a name with unprintable characters, and databases reject NUL and lone surrogates.
    if isinstance(scope, TenantScope) and scope.reference.isprintable():
        return scope.reference
    return None
