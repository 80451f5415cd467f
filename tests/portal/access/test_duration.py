"""The duration of an issuance, and the limit that decides it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.duration import RESPONSE_MARGIN, check, choose, parse_duration
from daypass.portal.access.model import Limit, LimitSource
from daypass.portal.errors import AccessDenied, InvalidDuration, SignInAgain

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def configured(validity: timedelta = HOUR) -> Limit:
    return Limit(LimitSource.CONFIGURED, "AWS Access Token Validity", validity)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("900", 900),
        ("900s", 900),
        ("15m", 900),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1H30M", 5400),
        ("2H", 7200),
        ("2h", 7200),
        ("12h", 43200),
        ("43200", 43200),
        ("0000000000000000003600", 3600),
    ],
)
def test_a_valid_duration_is_parsed(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "899", "43201", "14m", "13h", "0", "-1", "+3600", "1e9", "1_000", "3600.0", "2 hours",
        "30m1h", "1h1h",
        "1d", "h", "3600s\n", " 3600", "3600 ", "\uff13\uff16\uff10\uff10", "\u0663\u0666\u0660",
        "1h30", "1h 30m", "12h1s", "0x1000", "9" * 10, "9" * 5000, "\x00",
    ],
)  # fmt: skip
def test_a_malformed_or_out_of_bounds_duration_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidDuration) as refused:
        parse_duration(text)

    assert refused.value.reason.endswith(".")


@given(st.text())
def test_any_text_is_parsed_to_an_allowed_duration_or_refused(text: str) -> None:
    try:
        duration = parse_duration(text)
    except InvalidDuration:
        return
    assert check(duration) == duration


@pytest.mark.parametrize(
    ("requested", "role_maximum", "is_chained", "remaining", "entitled", "seconds", "decided"),
    [
        (None, None, False, None, None, 3600, LimitSource.CONFIGURED),
        (1800, None, False, None, None, 1800, LimitSource.REQUESTED),
        (7200, None, False, None, None, 3600, LimitSource.CONFIGURED),
        (None, None, True, None, None, 3600, LimitSource.CONFIGURED),
        (None, None, False, 1000, None, 990, LimitSource.SIGN_IN),
        (900, 3600, True, 910, None, 900, LimitSource.REQUESTED),
        # Equal limits decide in the order requested, configured, AWS, sign-in, entitlement.
        (3600, 3600, True, 3610, None, 3600, LimitSource.REQUESTED),
        (None, 3600, True, 3610, None, 3600, LimitSource.CONFIGURED),
        (None, None, False, None, 1000, 990, LimitSource.ENTITLEMENT),
        (None, None, False, 1001, 1000, 990, LimitSource.ENTITLEMENT),
        (None, None, False, 1000, 1000, 990, LimitSource.SIGN_IN),
        (1800, None, False, None, 1810, 1800, LimitSource.REQUESTED),
        (None, None, False, None, 910, 900, LimitSource.ENTITLEMENT),
    ],
)
def test_the_smallest_limit_decides(
    requested: int | None,
    role_maximum: int | None,
    is_chained: bool,
    remaining: int | None,
    entitled: int | None,
    seconds: int,
    decided: LimitSource,
) -> None:
    validity = choose(
        None if requested is None else timedelta(seconds=requested),
        configured(),
        role_maximum=None if role_maximum is None else timedelta(seconds=role_maximum),
        is_chained=is_chained,
        grant_ends_at=None if remaining is None else NOON + timedelta(seconds=remaining),
        entitlement_ends_at=None if entitled is None else NOON + timedelta(seconds=entitled),
        now=NOON,
    )

    assert validity.duration == timedelta(seconds=seconds)
    assert validity.deciding_limit.source is decided
    assert validity.deciding_limit in validity.limits


def test_a_role_maximum_below_the_setting_decides() -> None:
    validity = choose(
        None,
        configured(4 * HOUR),
        role_maximum=2 * HOUR,
        is_chained=False,
        grant_ends_at=None,
        entitlement_ends_at=None,
        now=NOON,
    )

    assert validity.duration == 2 * HOUR
    assert validity.deciding_limit.source is LimitSource.ROLE_MAXIMUM


def test_role_chaining_limits_a_session_to_one_hour() -> None:
    validity = choose(
        None,
        configured(12 * HOUR),
        role_maximum=12 * HOUR,
        is_chained=True,
        grant_ends_at=None,
        entitlement_ends_at=None,
        now=NOON,
    )

    assert validity.duration == HOUR
    assert validity.deciding_limit.source is LimitSource.ROLE_CHAINING
    assert [limit.source for limit in validity.limits] == ["configured", "role_maximum", "role_chaining"]


@pytest.mark.parametrize("remaining", [0, -1, 899, 909, 909.9])
def test_a_sign_in_that_ends_too_soon_must_be_renewed(remaining: float) -> None:
    with pytest.raises(SignInAgain):
        choose(
            None,
            configured(),
            role_maximum=None,
            is_chained=False,
            grant_ends_at=NOON + timedelta(seconds=remaining),
            entitlement_ends_at=None,
            now=NOON,
        )


@pytest.mark.parametrize("remaining", [0, -1, 899, 909, 909.9])
def test_an_entitlement_that_ends_too_soon_gives_no_session(remaining: float) -> None:
    with pytest.raises(AccessDenied, match=r"ends in less than 15 minutes.*extend"):
        choose(
            None,
            configured(),
            role_maximum=None,
            is_chained=False,
            grant_ends_at=None,
            entitlement_ends_at=NOON + timedelta(seconds=remaining),
            now=NOON,
        )


lengths = st.integers(900, 43200).map(lambda seconds: timedelta(seconds=seconds))
role_maxima = st.integers(3600, 43200).map(lambda seconds: timedelta(seconds=seconds))
"""AWS accepts a MaxSessionDuration from one to twelve hours."""


@given(
    requested=st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=2)),
    validity=lengths,
    role_maximum=st.none() | role_maxima,
    is_chained=st.booleans(),
    remaining=st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=1)),
    entitled=st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=1)),
)
def test_a_duration_exceeds_no_limit_and_is_never_below_the_minimum_of_aws(
    requested: timedelta | None,
    validity: timedelta,
    role_maximum: timedelta | None,
    is_chained: bool,
    remaining: timedelta | None,
    entitled: timedelta | None,
) -> None:
    grant_ends_at = None if remaining is None else NOON + remaining
    entitlement_ends_at = None if entitled is None else NOON + entitled
    try:
        chosen = choose(
            requested,
            configured(validity),
            role_maximum=role_maximum,
            is_chained=is_chained,
            grant_ends_at=grant_ends_at,
            entitlement_ends_at=entitlement_ends_at,
            now=NOON,
        )
    except InvalidDuration:
        assert requested is not None
        assert not timedelta(seconds=900) <= requested <= timedelta(hours=12)
        return
    except SignInAgain:
        assert remaining is not None
        assert remaining < timedelta(seconds=900) + RESPONSE_MARGIN
        return
    except AccessDenied:
        assert entitled is not None
        assert entitled < timedelta(seconds=900) + RESPONSE_MARGIN
        return

    assert timedelta(seconds=900) <= chosen.duration <= timedelta(hours=12)
    assert chosen.duration.microseconds == 0 or chosen.duration == requested
    assert chosen.duration <= validity
    assert requested is None or chosen.duration <= requested
    assert role_maximum is None or chosen.duration <= role_maximum
    assert not is_chained or chosen.duration <= HOUR
    # AWS counts from its response, which may come up to `RESPONSE_MARGIN` later.
    assert grant_ends_at is None or NOON + RESPONSE_MARGIN + chosen.duration <= grant_ends_at
    assert entitlement_ends_at is None or NOON + RESPONSE_MARGIN + chosen.duration <= entitlement_ends_at
