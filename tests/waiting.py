"""Waiting for a condition that has no event to wait on, such as one in another process."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], says: Callable[[], object] = str, seconds: float = 60) -> None:
    """Return once *condition* is true; fail with what *says* returns if it is not within *seconds*."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, says()
        # A wait without a pause would take a core from what is waited for.
        time.sleep(0.02)
