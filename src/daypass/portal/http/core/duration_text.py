"""The limits that shortened a session, as text for every channel."""

from daypass.common.duration_text import format_duration
from daypass.portal.access.model import LimitSource, Validity


def cap(validity: Validity) -> LimitSource | None:
    """Return the limit that made a session shorter than requested or, by default, than configured."""
    return None if validity.deciding_limit is validity.limits[0] else validity.deciding_limit.source


def cap_note(validity: Validity) -> str | None:
    """Return a sentence that explains the limit of `cap`, or None if there is none."""
    if cap(validity) is None:
        return None
    desired = validity.limits[0]
    verb = "was requested" if desired.source is LimitSource.REQUESTED else "is configured"
    return (
        f"This session lasts {format_duration(validity.duration)}, "
        f"though {format_duration(desired.duration)} {verb}. "
        f"Limited by: {validity.deciding_limit.label}."
    )


def cap_reason(validity: Validity, *, is_admin: bool) -> str:
    """Return why a session is shorter than configured, as a sentence; empty if it is not."""
    source = cap(validity)
    if source is None:
        return ""
    desired = format_duration(validity.limits[0].duration)
    return f"{desired} is configured; it is limited by {reason(source, is_admin=is_admin)}."


def reason(source: LimitSource, *, is_admin: bool, is_of_rule: bool = False) -> str:
    """Return why a session is as long as it is, worded to follow a colon."""
    if is_of_rule:
        return "the session limit of the workload rule"
    match source:
        case LimitSource.REQUESTED:
            return "as requested"
        case LimitSource.CONFIGURED:
            return (
                "the portal’s AdminJitSessionDuration"
                if is_admin
                else "this tenant’s AWS Access Token Validity"
            )
        case LimitSource.ROLE_MAXIMUM:
            return "the IAM role’s maximum session duration"
        case LimitSource.ROLE_CHAINING:
            return "AWS role chaining, which allows one hour at most"
        case LimitSource.SIGN_IN:
            return "the time left of the sign-in"
        case LimitSource.ENTITLEMENT:
            return "the end of your access"
