"""How a caller stands to what they ask for: read to decide, and once more before the release."""

from dataclasses import dataclass

from daypass.portal.access.model import Allow, Caller, Decision, Scope, TenantScope
from daypass.portal.access.policy import decide, no_such_tenant, refuse_beyond_consent, sees
from daypass.portal.access.store import FactStore, IssuanceFacts, RoleFacts
from daypass.portal.errors import Unauthenticated
from daypass.portal.settings.store import SettingStore, Values
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Tenant, TenantId


@dataclass(frozen=True, slots=True)
class AuthorizationContext:
    """The decision, and what it and the rest of the path rest on, by the database as of now."""

    decision: Decision
    values: Values
    role: RoleFacts
    tenant: Tenant | None
    """The tenant asked for, where the caller may know of it."""
    tenant_id: TenantId | None
    """The tenant asked for, for the auditors alone."""


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A tenant that the caller may know of, and what is known of its role, by the database as of now."""

    tenant: Tenant
    role: RoleFacts


def read_context(
    connection: Connection, caller: Caller, scope: Scope, master_role_arn: str
) -> AuthorizationContext:
    """Read and decide; raises `Unauthenticated` when the user or the token has been ended since."""
    found = _facts(connection, caller, _reference(scope), master_role_arn)
    tenant_id = found.tenant.tenant.id if found.tenant else None
    values = SettingStore(connection).read(tenant_id)
    decision = decide(found.user, scope, found.tenant, caller.door, values)
    if isinstance(decision, Allow):
        # Last, since a wider consent is no remedy for what the user may not have.
        decision = refuse_beyond_consent(caller.token, scope) or decision
    return AuthorizationContext(
        decision=decision,
        values=values,
        role=found.role,
        tenant=found.tenant.tenant if found.tenant and sees(found.user, found.tenant) else None,
        tenant_id=tenant_id,
    )


def read_tenant(connection: Connection, caller: Caller, reference: str) -> TenantContext:
    """The tenant of that name or id, for what is no issuance; raises `TenantNotFound`, `Unauthenticated`."""
    found = _facts(connection, caller, _reference(TenantScope(reference)), "")
    if found.tenant is None or not sees(found.user, found.tenant):
        raise no_such_tenant(reference)
    return TenantContext(found.tenant.tenant, found.role)


def _facts(
    connection: Connection, caller: Caller, reference: str | None, master_role_arn: str
) -> IssuanceFacts:
    found = FactStore(connection).find(caller.user.id, caller.token.id, reference, master_role_arn)
    if found is None or not found.is_good:
        raise Unauthenticated("Your access to the portal was ended a moment ago.")
    return found


def _reference(scope: Scope) -> str | None:
    # No name looks like this, and some of it cannot even be asked of a database: NUL, half a character.
    if isinstance(scope, TenantScope) and scope.reference.isprintable():
        return scope.reference
    return None
