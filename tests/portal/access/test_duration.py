"""How long an issuance lives, and which limit said so."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.duration import GRANT_MARGIN, check, choose, parse_duration
from daypass.portal.access.model import Limit, LimitSource
from daypass.portal.errors import InvalidDuration, SignInAgain

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
def test_a_duration_is_read(text: str, seconds: int) -> None:
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
def test_what_is_no_duration_or_out_of_bounds_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidDuration) as refused:
        parse_duration(text)

    assert refused.value.reason.endswith(".")


@given(st.text())
def test_whatever_is_typed_is_a_good_duration_or_refused(text: str) -> None:
    try:
        duration = parse_duration(text)
    except InvalidDuration:
        return
    assert check(duration) == duration


@pytest.mark.parametrize(
    ("asked", "role_maximum", "is_chained", "left", "seconds", "decided"),
    [
        (None, None, False, None, 3600, LimitSource.CONFIGURED),
        (1800, None, False, None, 1800, LimitSource.ASKED),
        (7200, None, False, None, 3600, LimitSource.CONFIGURED),
        (None, 1800, False, None, 1800, LimitSource.ROLE_MAXIMUM),
        (None, None, True, None, 3600, LimitSource.CONFIGURED),
        (None, None, False, 1000, 990, LimitSource.GRANT),
        (900, 3600, True, 910, 900, LimitSource.ASKED),
        # Equal limits: what was asked comes first, then what somebody configured, then AWS, then the sign-in.
        (3600, 3600, True, 3610, 3600, LimitSource.ASKED),
        (None, 3600, True, 3610, 3600, LimitSource.CONFIGURED),
    ],
)
def test_the_smallest_limit_decides(
    asked: int | None,
    role_maximum: int | None,
    is_chained: bool,
    left: int | None,
    seconds: int,
    decided: LimitSource,
) -> None:
    validity = choose(
        None if asked is None else timedelta(seconds=asked),
        configured(),
        role_maximum=None if role_maximum is None else timedelta(seconds=role_maximum),
        is_chained=is_chained,
        grant_ends_at=None if left is None else NOON + timedelta(seconds=left),
        now=NOON,
    )

    assert validity.length == timedelta(seconds=seconds)
    assert validity.decided.source is decided
    assert validity.decided in validity.limits


def test_a_chained_role_gives_an_hour_however_much_was_configured() -> None:
    validity = choose(
        None, configured(12 * HOUR), role_maximum=12 * HOUR, is_chained=True, grant_ends_at=None, now=NOON
    )

    assert validity.length == HOUR
    assert validity.decided.source is LimitSource.ROLE_CHAINING
    assert [limit.source for limit in validity.limits] == ["configured", "role_maximum", "role_chaining"]


@pytest.mark.parametrize("left", [0, -1, 899, 909, 909.9])
def test_a_grant_with_too_little_left_means_sign_in_again(left: float) -> None:
    with pytest.raises(SignInAgain):
        choose(
            None,
            configured(),
            role_maximum=None,
            is_chained=False,
            grant_ends_at=NOON + timedelta(seconds=left),
            now=NOON,
        )


lengths = st.integers(900, 43200).map(lambda seconds: timedelta(seconds=seconds))


@given(
    asked=st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=2)),
    validity=lengths,
    role_maximum=st.none() | lengths,
    is_chained=st.booleans(),
    left=st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=1)),
)
def test_no_issuance_outlives_any_limit_and_none_is_shorter_than_aws_gives(
    asked: timedelta | None,
    validity: timedelta,
    role_maximum: timedelta | None,
    is_chained: bool,
    left: timedelta | None,
) -> None:
    grant_ends_at = None if left is None else NOON + left
    try:
        chosen = choose(
            asked,
            configured(validity),
            role_maximum=role_maximum,
            is_chained=is_chained,
            grant_ends_at=grant_ends_at,
            now=NOON,
        )
    except InvalidDuration:
        assert asked is not None
        assert not timedelta(seconds=900) <= asked <= timedelta(hours=12)
        return
    except SignInAgain:
        assert left is not None
        assert left < timedelta(seconds=900) + GRANT_MARGIN
        return

    assert timedelta(seconds=900) <= chosen.length <= timedelta(hours=12)
    assert chosen.length.microseconds == 0 or chosen.length == asked
    assert chosen.length <= validity
    assert asked is None or chosen.length <= asked
    assert role_maximum is None or chosen.length <= role_maximum
    assert not is_chained or chosen.length <= HOUR
    # AWS counts from its answer, which may come late.
    assert grant_ends_at is None or NOON + GRANT_MARGIN + chosen.length <= grant_ends_at
