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
    if context.set_role != attempt.context.set_role:
        # The role was checked for the tenant's former services, or before a tenant with an overlapping name.
        return AccessDenied("Your access has just been changed. Try again.")
    if context.workload != attempt.context.workload:
        return AccessDenied("The workload rule has just been changed. Try again with a new token.")
    if session.validity.duration > configured_limit(context.values, attempt.setting).duration:
        return AccessDenied("The allowed session duration has just been changed. Try again.")
    return None
