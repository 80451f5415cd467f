from datetime import timedelta

import pytest

from daypass.common.duration_text import format_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (20, "20 s"), (920, "15 min 20 s"), (5400, "1 h 30 min"), (604800, "168 h")],
)
def test_a_duration_has_hours_minutes_and_seconds_without_zeros(seconds: int, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
