"""The times of a token (RFC 7519, section 4.1)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from daypass.portal.identity.jwt.errors import InvalidToken

LEEWAY = timedelta(seconds=60)
"""The accepted difference between the clocks of an issuer and the portal."""

# The end of the year 9999. Later times do not fit into a datetime.
_LATEST = 253_402_300_799


def check_times(
    claims: Mapping[str, object],
    now: datetime,
    *,
    max_age: timedelta | None,
    longest: timedelta | None = None,
    leeway: timedelta = LEEWAY,
) -> None:
    """Check `exp` and `iat`, which are required, and `nbf`; raises `InvalidToken`.

    *max_age* limits the time since the token was issued, and *longest* the time from `iat` to `exp`. The
    *leeway* applies to each comparison with *now*. Reasons: `missing_claim`, `malformed`, `expired`,
    `not_yet_valid`, `too_old`, `lifetime`.
    """
    expires_at, issued_at = required_time(claims, "exp"), required_time(claims, "iat")
    current, slack = now.timestamp(), leeway.total_seconds()
    # `exp` is the first moment at which the token is refused (RFC 7519, section 4.1.4).
    if expires_at <= current - slack:
        raise InvalidToken("expired", "The token has expired.")
    begins_at = required_time(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, begins_at) > current + slack:
        raise InvalidToken("not_yet_valid", "The token is from the future. Compare the clocks of both sides.")
    if max_age is not None and issued_at < current - slack - max_age.total_seconds():
        raise InvalidToken("too_old", "The token was issued too long ago.")
    lifetime = expires_at - issued_at
    if lifetime <= 0 or (longest is not None and lifetime > longest.total_seconds()):
        raise InvalidToken("lifetime", "The token is valid for longer than is accepted, or never was.")


def required_time(claims: Mapping[str, object], name: str) -> float:
    """Return the time in the claim *name*, in seconds since 1970; raises `InvalidToken`."""
    if name not in claims:
        raise InvalidToken("missing_claim", f"The token has no claim {name}.")
    value = claims[name]
    # In Python, True is an int.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise InvalidToken("malformed", f"The claim {name} of the token is not a time.")
    return value
