"""The authorization policy: pure functions whose denials carry the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.common.duration_text import format_duration
from daypass.portal.access.entitlements import Entitlement, entitlements_to_tenant, strongest
from daypass.portal.access.model import Allow, Channel, Decision, Deny
from daypass.portal.access.session_names import printable
from daypass.portal.errors import (
    AccessDenied,
    AuthenticationTooOld,
    InsufficientScope,
    JitDisabled,
    PermissionSetNotFound,
    PortalError,
    TenantNotFound,
)
from daypass.portal.identity.model import ApiToken, TokenKind, User
from daypass.portal.identity.reauthentication import authenticated_at
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.token_scopes import require_scope
from daypass.portal.permission_sets.model import FULL, PermissionSet
from daypass.portal.settings.registry import (
    AUTHENTICATION_AGE,
    DISABLE_NON_ADMIN_JIT,
    ENABLE_ADMIN_JIT_ON_UI,
    TENANT_AUTHENTICATION_AGE,
    TENANT_EXEMPTS_WORKLOADS,
)
from daypass.portal.settings.store import EffectiveSettings
from daypass.portal.tenants.model import TenantAccess

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class SetRequest:
    """The permission set that a request names."""

    name: str
    found: PermissionSet | None
    """The set of this name; None if there is none."""


def decide(
    user: User,
    scope: Scope,
    entitlements: Sequence[Entitlement],
    channel: Channel,
    values: EffectiveSettings,
    requested: SetRequest | None = None,
) -> Decision:
    """Decide whether *user* may have *scope* through *channel*, because of which entitlement and how far.

    *entitlements* are those of the user to the scope that have not ended. A tenant that does not exist has
    none. Of several, the strongest applies that gives the *requested* permission set. Without such a request
    the strongest of all applies, with its own set.
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
    if requested is None:
        return Allow(entitlement, entitlement.permission_set)
    return _with_set(requested, scope, entitlements)


def _with_set(requested: SetRequest, scope: Scope, entitlements: Sequence[Entitlement]) -> Decision:
    found = requested.found
    giving = None if found is None else strongest(each for each in entitlements if each.gives(found))
    if found is None or giving is None:
        return Deny(_no_such_set(requested.name, entitlements))
    if scope.is_admin and found.has_own_role:
        return Deny(
            AccessDenied(
                f"The permission set “{found.name}” has a role of its own in each tenant, and none for admin "
                "access. Name a tenant, or another permission set."
            )
        )
    return Allow(giving, found)


def _no_such_set(name: str, entitlements: Sequence[Entitlement]) -> PortalError:
    """Return the error for a set that the user may not have; it tells a set from none only to full users."""
    shown = printable(name, _LONGEST_NAME)
    own = sorted({each.permission_set.name for each in entitlements})
    if FULL.name in own:
        return PermissionSetNotFound(f"There is no permission set “{shown}”. Check its name.")
    return AccessDenied(
        f"You do not have the permission set “{shown}” here. You have {' and '.join(own)}. Ask for "
        f"{'one of these' if len(own) > 1 else 'this'}, or for none."
    )


def find_consent_refusal(token: ApiToken, scope: Scope) -> Deny | None:
    """Return a denial if *scope* exceeds the consent that the owner of *token* gave, else None."""
    try:
        require_scope(token, scope)
    except InsufficientScope as refusal:
        return Deny(refusal)
    return None


def find_age_refusal(token: ApiToken, values: EffectiveSettings, now: datetime) -> Deny | None:
    """Return a denial if the authentication behind *token* is older than the settings allow, else None.

    *values* are those of the requested tenant, or of the system for account administration.
    """
    limits = (values.get_optional(AUTHENTICATION_AGE), values.get_optional(TENANT_AUTHENTICATION_AGE))
    ages = [limit for limit in limits if limit is not None]
    if not ages:
        return None
    if token.kind is TokenKind.WORKLOAD and values.get(TENANT_EXEMPTS_WORKLOADS):
        return None
    max_age, proved_at = min(ages), authenticated_at(token)
    if proved_at is not None and now - proved_at <= max_age:
        return None
    demand = f"AWS access here needs an authentication within the last {format_duration(max_age)}"
    if token.kind in _CANNOT_AUTHENTICATE:
        return Deny(AccessDenied(f"{demand}, {_CANNOT_AUTHENTICATE[token.kind]}"))
    return Deny(AuthenticationTooOld(f"{demand}. {_AUTHENTICATE.get(token.kind, _CONFIRM)}", max_age))


_CONFIRM = "Confirm your identity, then try again."
_AUTHENTICATE = {
    TokenKind.CLI: "Run `daypass login --reauthenticate`, then try again.",
    TokenKind.TEMPORARY: (
        "Sign in to the portal again, and reveal a new Temporary API Token on your profile page."
    ),
    TokenKind.APPROVAL: (
        "Sign out of the portal in your browser and sign in again. Then delete the stored sign-in of the "
        "application (`duploctl cache clear`), and run it again."
    ),
}
_CANNOT_AUTHENTICATE = {
    TokenKind.PERMANENT: (
        "which a permanent API token cannot prove. Sign in with `daypass login`; for automation, an "
        "Administrator can make a workload rule."
    ),
    TokenKind.WORKLOAD: (
        "which a workload cannot prove. An Administrator can turn "
        f"“{TENANT_EXEMPTS_WORKLOADS.label}” on in the settings of the tenant."
    ),
}


def may_see(user: User, tenant: TenantAccess) -> bool:
    """Return whether *user* may know that this tenant exists."""
    return bool(entitlements_to_tenant(user, tenant.membership, tenant.by_groups))


def tenant_not_found(reference: str) -> TenantNotFound:
    """Return the error for a tenant that does not exist or that the user is not a member of.

    Both cases give the same error, so that a user cannot find out which tenants exist.
    """
    name = printable(reference, _LONGEST_NAME)
    return TenantNotFound(f"You have no tenant “{name}”. Check its name, or ask to be added to it.")


def _no_admin_access() -> AccessDenied:
    return AccessDenied("Admin access to AWS is for Administrators. Ask for one of your tenants instead.")
