"""Limits on waiting for PostgreSQL, in a module that does not import its driver."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Allowance:
    """The time that a borrowed connection may wait for the server, per round trip and in total.

    `per_wait` is in seconds, `ends_at` a time on the clock of `time.monotonic`.
    """

    per_wait: float = inf
    ends_at: float = inf


UNLIMITED = Allowance()
