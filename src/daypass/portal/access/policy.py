"""The authorization policy: pure functions whose denials carry the reason."""

from collections.abc import Sequence

from daypass.portal.access.entitlements import Entitlement, entitlements_to_tenant, strongest
from daypass.portal.access.model import Allow, Channel, Decision, Deny
from daypass.portal.access.session_names import printable
from daypass.portal.errors import AccessDenied, InsufficientScope, JitDisabled, TenantNotFound
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.token_scopes import require_scope
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.settings.store import EffectiveSettings
from daypass.portal.tenants.model import TenantAccess

_LONGEST_TENANT_NAME = 64


def decide(
    user: User, scope: Scope, entitlements: Sequence[Entitlement], channel: Channel, values: EffectiveSettings
) -> Decision:
    """Decide whether *user* may have *scope* through *channel*, and because of which entitlement.

    *entitlements* are those of the user to the scope that have not ended; of several the strongest applies.
    A tenant that does not exist has none.
    """
    if not user.is_administrator and values.get(DISABLE_NON_ADMIN_JIT):
        return Deny(
            JitDisabled("An Administrator turned JIT AWS access off for everyone but Administrators.")
        )
    entitlement = strongest(entitlements)
    if entitlement is None:
        return Deny(_no_admin_access() if scope.is_admin else tenant_not_found(scope.reference))
    if scope.is_admin and channel is Channel.WEB and not values.get(ENABLE_ADMIN_JIT_ON_UI):
        return Deny(
            JitDisabled(
                f"Admin access to AWS is off on these pages. An Administrator can turn "
                f"“{ENABLE_ADMIN_JIT_ON_UI.label}” on in System Settings, or use the command line."
            )
        )
    return Allow(entitlement)


def find_consent_refusal(token: ApiToken, scope: Scope) -> Deny | None:
    """Return a denial if *scope* exceeds the consent that the owner of *token* gave, else None."""
    try:
        require_scope(token, scope)
    except InsufficientScope as refusal:
        return Deny(refusal)
    return None


def may_see(user: User, tenant: TenantAccess) -> bool:
    """Return whether *user* may know that this tenant exists.

    It ignores the ends of entitlements: no entitlement has an end yet. A source of ends must change this
    function and `tenants.access_of`.
    """
    return bool(entitlements_to_tenant(user, tenant.membership))


def tenant_not_found(reference: str) -> TenantNotFound:
    """Return the error for a tenant that does not exist or that the user is not a member of.

    Both cases give the same error, so that a user cannot find out which tenants exist.
    """
    name = printable(reference, _LONGEST_TENANT_NAME)
    return TenantNotFound(f"You have no tenant “{name}”. Check its name, or ask to be added to it.")


def _no_admin_access() -> AccessDenied:
    return AccessDenied("Admin access to AWS is for Administrators. Ask for one of your tenants instead.")
