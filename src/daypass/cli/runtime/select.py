"""Waiting for file descriptors so that Ctrl-C takes effect."""

import select
from collections.abc import Sequence
from time import monotonic

_INTERVAL = 1.0


def wait_readable(descriptors: Sequence[int], seconds: float | None) -> list[int]:
    """Return the readable descriptors as soon as there is one; none after *seconds* (None: no limit).

    Python runs the handler of a signal that arrives just before the system call only after the call returns,
    so each call is short.
    """
    end = None if seconds is None else monotonic() + seconds
    while True:
        left = _INTERVAL if end is None else end - monotonic()
        if left <= 0:
            return []
        ready, _, _ = select.select(descriptors, [], [], min(left, _INTERVAL))
        if ready:
            return ready
