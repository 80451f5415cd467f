"""Lengths of time and what cut them, in words for every door."""

from datetime import timedelta

from daypass.portal.access.model import LimitSource, Validity

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


def written(length: timedelta) -> str:
    """A length as people say it: `2 h`, `1 h 30 min`, `15 min 20 s`."""
    hours, rest = divmod(length, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    parts = ((hours, "h"), (minutes, "min"), (rest // _SECOND, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def cap(validity: Validity) -> LimitSource | None:
    """What made a session shorter than was asked or, where nothing was asked, than is configured."""
    return None if validity.decided is validity.limits[0] else validity.decided.source


def cap_note(validity: Validity) -> str | None:
    """The same as a sentence."""
    if cap(validity) is None:
        return None
    wanted = validity.limits[0]
    verb = "was asked for" if wanted.source is LimitSource.ASKED else "is configured"
    return (
        f"This session lasts {written(validity.length)}, though {written(wanted.validity)} {verb}. "
        f"What limits it: {validity.decided.label}."
    )


def cap_reason(validity: Validity, *, is_admin: bool) -> str:
    """Return why a session is shorter than configured, as a sentence; empty if it is not."""
    source = cap(validity)
    if source is None:
        return ""
    wanted = written(validity.limits[0].validity)
    return f"{wanted} is configured; what limits it is {reason(source, is_admin=is_admin)}."


def reason(source: LimitSource, *, is_admin: bool) -> str:
    """Why a session is as long as it is, as what follows a colon."""
    match source:
        case LimitSource.ASKED:
            return "as it was asked for"
        case LimitSource.CONFIGURED:
            return (
                "the portal’s AdminJitSessionDuration"
                if is_admin
                else "this tenant’s AWS Access Token Validity"
            )
        case LimitSource.ROLE_MAXIMUM:
            return "the longest that the IAM role allows"
        case LimitSource.ROLE_CHAINING:
            return "the portal enters AWS with a role, and AWS gives such sessions one hour at most"
        case LimitSource.GRANT:
            return "what is left of the sign-in"
