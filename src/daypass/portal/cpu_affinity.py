"""On which of the machine's cores the interpreter's threads run.

Only one of them runs at a time. Spread over several cores, each turn wakes another core, and that costs more
than most turns; on one core they take turns for next to nothing. Where the system cannot keep a thread on a
core (macOS), or lets nobody choose (a hardened service), all of this does nothing.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

_CAN_CHOOSE = hasattr(os, "sched_setaffinity")

_AT_FIRST: Collection[int] = os.sched_getaffinity(0) if _CAN_CHOOSE else ()
"""What this process was given by whoever started it."""


def stay_on_one_core() -> None:
    """Keep this thread, and those that it starts from now on, on one core; on another in each process."""
    if _CAN_CHOOSE:
        cores = sorted(_AT_FIRST)
        _choose({cores[os.getpid() % len(cores)]})


@contextmanager
def unpinned() -> Iterator[None]:
    """Let this thread run where it likes meanwhile; for work that lets go of the interpreter."""
    if not _CAN_CHOOSE:
        yield
        return
    before = os.sched_getaffinity(0)
    _choose(_AT_FIRST)
    try:
        yield
    finally:
        _choose(before)


def _choose(cores: Collection[int]) -> None:
    # Where a service may not choose, or was given other cores since, it works on those that it has.
    with suppress(OSError):
        os.sched_setaffinity(0, cores)
