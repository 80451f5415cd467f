"""How long? Pure, and says which limit decided."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from daypass.portal.access.model import Limit, LimitSource, Validity
from daypass.portal.errors import InvalidDuration, SignInAgain

SHORTEST = timedelta(seconds=900)
LONGEST = timedelta(seconds=43200)
CHAINED = timedelta(hours=1)
"""What AWS gives to a session that was made with another session's keys, whatever the role allows."""

GRANT_MARGIN = timedelta(seconds=10)
"""Kept back from a grant: AWS counts from its own answer, which may come this much later than we asked."""

_WRITTEN = re.compile(r"([0-9]+)([smh]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def parse_duration(text: str) -> timedelta:
    """Read `3600`, `90m` or `2h`; bare means seconds. Refuses everything else, and what AWS does not give."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise InvalidDuration(
            "A duration is a whole number with s, m or h behind it, such as 3600s, 90m or 2h."
        )
    # Cut, because a number of that many digits is out of bounds anyway, and the longest are no int to Python.
    number = int(written[1].lstrip("0")[:6] or "0")
    return check(timedelta(seconds=number * _UNITS[written[2]]))


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
