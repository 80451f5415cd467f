"""The only module that reads the current time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


def utc_now() -> datetime:
    """Return the current time by the machine's clock."""
    return datetime.now(UTC)  # noqa: TID251  the only permitted call
