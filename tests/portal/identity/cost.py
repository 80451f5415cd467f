"""What something costs of the processor."""

import time
from collections.abc import Callable


def least_cost(call: Callable[[], object]) -> float:
    """Seconds of this thread's processor, the least of three: whatever else the machine does comes on top."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        call()
        took.append(time.thread_time() - began)
    return min(took)
