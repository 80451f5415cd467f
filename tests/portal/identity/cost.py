"""CPU time of a call."""

import time
from collections.abc import Callable


def least_cost(call: Callable[[], object]) -> float:
    """Return the least CPU time of this thread in three calls; the minimum excludes most disturbances."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        call()
        took.append(time.thread_time() - began)
    return min(took)
