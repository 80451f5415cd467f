"""Time and chance, as the calls to AWS need them; tests pass their own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from daypass.portal.access.broker import Deadline


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock that only goes forward, a way to wait, and a number from 0 to 1 to spread the waits."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def left(self, deadline: Deadline) -> float:
        """Seconds until *deadline*; negative when it has passed."""
        return deadline - self.monotonic()

    def within(self, seconds: float) -> Deadline:
        """The deadline that is *seconds* away."""
        return Deadline(self.monotonic() + seconds)
