"""Limits on waiting for PostgreSQL; imports no driver, so that SQLite needs none."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Allowance:
    """The time that a borrowed connection may wait for the server: per round trip, and until a point in time.

    Seconds; `ends_at` is on the clock of `time.monotonic`.
    """

    per_wait: float = inf
    ends_at: float = inf


UNLIMITED = Allowance()
