"""How long? Pure, and says which limit decided."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from daypass.common.durations import seconds_of
from daypass.portal.access.model import Limit, LimitSource, Validity
from daypass.portal.errors import InvalidDuration, SignInAgain

SHORTEST = timedelta(seconds=900)
LONGEST = timedelta(seconds=43200)
CHAINED = timedelta(hours=1)
"""What AWS gives to a session that was made with another session's keys, whatever the role allows."""

GRANT_MARGIN = timedelta(seconds=10)
"""Kept back from a grant: AWS counts from its own answer, which may come this much later than we asked."""


def parse_duration(text: str) -> timedelta:
    """Read `3600`, `90m`, `2h` or `1h30m`; bare means seconds. Refuse all else, and what AWS refuses."""
    try:
        seconds = seconds_of(text)
    except ValueError as error:
        raise InvalidDuration(
            "A duration is whole numbers with s, m or h behind them, such as 3600s, 90m, 2h or 1h30m."
        ) from error
    # Seven digits are out of bounds in any case, and timedelta has a limit of its own.
    return check(timedelta(seconds=min(seconds, 10**6)))


def check(duration: timedelta) -> timedelta:
    """Answer *duration* when AWS gives sessions of that length, else refuse it."""
    if not SHORTEST <= duration <= LONGEST:
        raise InvalidDuration("A session lasts from 15 minutes (900s) to 12 hours (43200s); ask for that.")
    return duration


def choose(
    asked: timedelta | None,
    configured: Limit,
    *,
    role_maximum: timedelta | None,
    is_chained: bool,
    grant_ends_at: datetime | None,
    now: datetime,
) -> Validity:
    """The longest validity that every limit allows, and the limits themselves.

    Of equal limits the first decides, in the order asked, configured, role maximum, role chaining, grant:
    what was asked and can be had is never called capped.
    """
    limits: list[Limit] = []
    if asked is not None:
        limits.append(Limit(LimitSource.ASKED, "The duration asked for", check(asked)))
    limits.append(configured)
    if role_maximum is not None:
        limits.append(
            Limit(LimitSource.ROLE_MAXIMUM, "Maximum session duration of the IAM role", role_maximum)
        )
    if is_chained:
        limits.append(Limit(LimitSource.ROLE_CHAINING, "AWS role chaining, one hour at most", CHAINED))
    if grant_ends_at is not None:
        limits.append(Limit(LimitSource.GRANT, "What is left of the sign-in", _left(grant_ends_at, now)))
    return _smallest(limits)


def _left(grant_ends_at: datetime, now: datetime) -> timedelta:
    left = grant_ends_at - now - GRANT_MARGIN
    if left < SHORTEST:
        raise SignInAgain(
            "Less than 15 minutes are left of this sign-in, and AWS gives none shorter. Sign in again."
        )
    return timedelta(seconds=left // timedelta(seconds=1))


def _smallest(limits: Iterable[Limit]) -> Validity:
    limits = tuple(limits)
    decided = min(limits, key=lambda limit: limit.validity)
    return Validity(decided.validity, decided, limits)
