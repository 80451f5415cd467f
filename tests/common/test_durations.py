"""Parsing of durations, for the command line and the portal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.common.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("7200", 7200), ("7200s", 7200), ("90m", 5400), ("2h", 7200), ("2H", 7200), ("0", 0)),
        *(
            ("1h30m", 5400),
            ("1H30M", 5400),
            ("1h30m15s", 5415),
            ("1h15s", 3615),
            ("1m1s", 61),
            ("001h", 3600),
        ),
    ],
)
def test_a_duration_has_hours_minutes_or_seconds(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "h", "1h30", "30m1h", "1h1h", "1.5h", "-1", "+1", "1e9", "1d", "1 h", " 1h", "\u0663", "1_0", "1hm"],
)
def test_invalid_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


def test_very_long_numbers_are_parsed_quickly() -> None:
    assert seconds_of("9" * 5000) >= 10**9
    assert seconds_of("9" * 5000 + "h") >= 10**9


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_the_units_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert seconds_of(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert seconds_of(text) >= 0
    except ValueError as error:
        assert str(error) == "not a duration"
