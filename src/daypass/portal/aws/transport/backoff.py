"""The clock, sleep and random source of calls to AWS; tests pass their own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from daypass.portal.access.broker import Deadline


@dataclass(frozen=True, slots=True)
class Timing:
    """A monotonic clock, a sleep, and a random number from 0 to 1 for jitter."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def left(self, deadline: Deadline) -> float:
        """Return the seconds until *deadline*; negative if it has passed."""
        return deadline - self.monotonic()

    def within(self, seconds: float) -> Deadline:
        """Return the deadline that is *seconds* away."""
        return Deadline(self.monotonic() + seconds)
