"""Durations as text."""

from datetime import timedelta

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


def format_duration(length: timedelta) -> str:
    """Format a duration: `2 h`, `1 h 30 min`, `15 min 20 s`."""
    hours, rest = divmod(length, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    parts = ((hours, "h"), (minutes, "min"), (rest // _SECOND, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
