"""Calculation of a session's duration: pure functions that also report which limit decided."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from daypass.common.durations import seconds_of
from daypass.common.session_limits import CHAINED_MAXIMUM, MAXIMUM_DURATION, MINIMUM_DURATION
from daypass.portal.access.model import Limit, LimitSource, Validity
from daypass.portal.errors import AccessDenied, InvalidDuration, SignInAgain
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import EffectiveSettings
from daypass.portal.workloads.model import WorkloadLimits

RESPONSE_MARGIN = timedelta(seconds=10)
"""Subtracted from the remaining time of a sign-in and of an entitlement.

AWS counts a session's duration from its response, which comes within `AWS_TIME_LIMIT` (8 s) of the decision.
The rest is a reserve.
"""


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as `3600`, `90m`, `2h` or `1h30m`; a number without a unit is in seconds.

    Raises `InvalidDuration` for any other text and for durations that AWS does not allow.
    """
    try:
        seconds = seconds_of(text)
    except ValueError as error:
        raise InvalidDuration(
            "A duration is written in whole numbers followed by s, m or h, such as 3600s, 90m, 2h or 1h30m."
        ) from error
    # 10**6 seconds are out of bounds in any case, and larger numbers overflow `timedelta`.
    return check(timedelta(seconds=min(seconds, 10**6)))


def check(duration: timedelta) -> timedelta:
    """Return *duration* if AWS gives sessions of this length, else raise `InvalidDuration`."""
    if not MINIMUM_DURATION <= duration <= MAXIMUM_DURATION:
        raise InvalidDuration("A session can last from 15 minutes (900s) to 12 hours (43200s).")
    return duration


def configured_limit(values: EffectiveSettings, setting: Setting[timedelta]) -> Limit:
    """Return the limit that an Administrator configured with *setting*, or its default."""
    return Limit(LimitSource.CONFIGURED, setting.label, values.get(setting))


def rule_limit(workload: WorkloadLimits | None) -> Limit | None:
    """Return the limit that an Administrator set in a workload rule; None for callers without one."""
    if workload is None:
        return None
    # An earlier release, which may read the row, knows no other source for a limit that was configured.
    label = "Session limit of the workload rule"
    return Limit(LimitSource.CONFIGURED, label, workload.session_limit, is_of_rule=True)


def choose(
    requested: timedelta | None,
    configured: Limit,
    *,
    rule: Limit | None = None,
    role_maximum: timedelta | None,
    is_chained: bool,
    grant_ends_at: datetime | None,
    entitlement_ends_at: datetime | None,
    now: datetime,
) -> Validity:
    """Return the longest validity that every limit allows, together with the limits.

    Of equal limits the first decides, in the order requested, configured, workload rule, role maximum, role
    chaining, sign-in, entitlement: a requested duration that can be granted is never reported as capped.
    Raises `InvalidDuration` for a requested duration out of bounds, `SignInAgain` if the sign-in ends too
    soon, and `AccessDenied` if the entitlement does.
    """
    limits: list[Limit] = []
    if requested is not None:
        limits.append(Limit(LimitSource.REQUESTED, "Requested duration", check(requested)))
    limits.append(configured)
    if rule is not None:
        limits.append(rule)
    if role_maximum is not None:
        limits.append(
            Limit(LimitSource.ROLE_MAXIMUM, "Maximum session duration of the IAM role", role_maximum)
        )
    if is_chained:
        label = "AWS role chaining (at most one hour)"
        limits.append(Limit(LimitSource.ROLE_CHAINING, label, CHAINED_MAXIMUM))
    if grant_ends_at is not None:
        limits.append(_sign_in_limit(grant_ends_at, now))
    if entitlement_ends_at is not None:
        limits.append(_entitlement_limit(entitlement_ends_at, now))
    return _smallest(limits)


def _sign_in_limit(ends_at: datetime, now: datetime) -> Limit:
    remaining = _remaining(ends_at, now)
    if remaining < MINIMUM_DURATION:
        raise SignInAgain(
            "This sign-in ends in less than 15 minutes, the shortest session that AWS offers. Sign in again."
        )
    return Limit(LimitSource.SIGN_IN, "Remaining time of the sign-in", remaining)


def _entitlement_limit(ends_at: datetime, now: datetime) -> Limit:
    remaining = _remaining(ends_at, now)
    if remaining < MINIMUM_DURATION:
        raise AccessDenied(
            "Your access ends in less than 15 minutes, the shortest session that AWS offers. "
            "Ask an Administrator to extend it."
        )
    return Limit(LimitSource.ENTITLEMENT, "Remaining time of the access", remaining)


def _remaining(ends_at: datetime, now: datetime) -> timedelta:
    """Return the whole seconds for which a session can be requested that ends at *ends_at* at the latest."""
    return timedelta(seconds=(ends_at - now - RESPONSE_MARGIN) // timedelta(seconds=1))


def _smallest(limits: Iterable[Limit]) -> Validity:
    limits = tuple(limits)
    decided = min(limits, key=lambda limit: limit.duration)
    return Validity(decided.duration, decided, limits)
