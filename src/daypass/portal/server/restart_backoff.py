"""Backoff between the restarts of workers that end soon after their start."""

from dataclasses import dataclass

STABLE_AFTER = 30.0
"""The age in seconds from which a worker that ends is replaced without a delay."""
_LONGEST_DELAY = 30.0
_LONGEST_OUTAGE = 2.0
"""The longest delay while no other worker serves: requests wait in the backlog of the listening socket."""


@dataclass(slots=True)
class RestartBackoff:
    """The delays before new workers: none for the first, then doubling from one second to thirty.

    Without another worker that serves, the delay is two seconds at most.
    """

    _early_ends: int = 0

    def delay_after(self, age: float, *, others_serve: bool) -> float:
        """Return the seconds to wait before the worker is replaced that ended at that age."""
        if age >= STABLE_AFTER:
            self._early_ends = 0
            return 0.0
        self._early_ends += 1
        if self._early_ends == 1:
            return 0.0
        # The exponent is limited, because a float overflows after a thousand ends.
        longest = _LONGEST_DELAY if others_serve else _LONGEST_OUTAGE
        return min(longest, 2.0 ** min(self._early_ends - 2, 10))
