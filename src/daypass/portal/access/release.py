"""The check, just before credentials are released, that the caller may still have them."""

from collections.abc import Collection

from daypass.portal.access.authorization import AuthorizationContext
from daypass.portal.access.duration import configured_limit
from daypass.portal.access.model import Deny, IssuedSession
from daypass.portal.access.plan import IssuanceAttempt, SessionPlan
from daypass.portal.errors import AccessDenied, PortalError
from daypass.portal.settings.registry import TENANT_SERVICES


def find_release_refusal(
    attempt: IssuanceAttempt, plan: SessionPlan, session: IssuedSession, context: AuthorizationContext
) -> PortalError | None:
    """Return why *session* may not be released, by a *context* that was read after AWS had given it.

    The session was made for one entitlement, which decided its permission set and may have decided its end.
    If the entitlement ended or was replaced by another, or its set or the requested one was changed, the
    session is not released, even if the caller may have a new one.
    """
    if isinstance(context.decision, Deny):
        return context.decision.refusal
    is_entitled = context.decision.entitlement.still_covers(plan.entitlement, session.expires_at)
    is_same_set = context.decision.permission_set == plan.permission_set
    if not (is_entitled and is_same_set) or context.tenant != attempt.context.tenant:
        return AccessDenied("Your access has just been changed. Try again.")
    if plan.permission_set.has_own_role and _services(context) != _services(attempt.context):
        # The role was checked for the former services.
        return AccessDenied("The AWS services of the tenant have just been changed. Try again.")
    if session.validity.duration > configured_limit(context.values, attempt.setting).duration:
        return AccessDenied("The allowed session duration has just been changed. Try again.")
    return None


def _services(context: AuthorizationContext) -> Collection[str] | None:
    return context.values.get_optional(TENANT_SERVICES)
