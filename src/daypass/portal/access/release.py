"""The check, just before credentials are released, that the caller may still have them."""

from daypass.portal.access.authorization import AuthorizationContext
from daypass.portal.access.duration import configured_limit
from daypass.portal.access.model import Deny, IssuedSession
from daypass.portal.access.plan import IssuanceAttempt, SessionPlan
from daypass.portal.errors import AccessDenied, PortalError


def find_release_refusal(
    attempt: IssuanceAttempt, plan: SessionPlan, session: IssuedSession, context: AuthorizationContext
) -> PortalError | None:
    """Return why *session* may not be released, by a *context* that was read after AWS had given it.

    The session was made for one entitlement, which decided its access and may have decided its end. If that
    ended, gives another access, or was replaced by another, the session is not released, even if the caller
    may have a new one by the other entitlement.
    """
    if isinstance(context.decision, Deny):
        return context.decision.refusal
    is_entitled = context.decision.entitlement.still_covers(plan.entitlement, session.expires_at)
    if not is_entitled or context.tenant != attempt.context.tenant:
        return AccessDenied("Your access has just been changed. Try again.")
    if session.validity.duration > configured_limit(context.values, attempt.setting).duration:
        return AccessDenied("The allowed session duration has just been changed. Try again.")
    return None
