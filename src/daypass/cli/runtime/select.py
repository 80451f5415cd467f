"""Waiting for descriptors, and for Ctrl-C at the same time."""

import select
from collections.abc import Sequence
from time import monotonic

_GLANCE = 1.0


def wait_readable(descriptors: Sequence[int], seconds: float | None) -> list[int]:
    """Those that have something to say, as soon as one has; none after *seconds*. None waits for ever.

    Python hears a signal that arrives just as a wait begins only when that wait is over: so waits are short.
    """
    end = None if seconds is None else monotonic() + seconds
    while True:
        left = _GLANCE if end is None else end - monotonic()
        if left <= 0:
            return []
        ready, _, _ = select.select(descriptors, [], [], min(left, _GLANCE))
        if ready:
            return ready
