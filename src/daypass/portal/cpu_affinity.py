"""CPU affinity: keeps the interpreter's threads on one core.

The interpreter lock lets one thread run at a time. If the threads are spread over several cores, each switch
wakes another core, which costs more than most threads run before the next switch. On systems without CPU
affinity (macOS), or where a process may not set it (a hardened service), these functions do nothing.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

_CAN_CHOOSE = hasattr(os, "sched_setaffinity")

_INITIAL_CORES: Collection[int] = os.sched_getaffinity(0) if _CAN_CHOOSE else ()
"""The cores that this process was started with."""


def pin_to_one_core() -> None:
    """Bind this thread, and those that it starts later, to one core, chosen by the process id."""
    if _CAN_CHOOSE:
        # Processes that are started together have consecutive ids, and so different cores.
        cores = sorted(_INITIAL_CORES)
        _set_affinity({cores[os.getpid() % len(cores)]})


@contextmanager
def unpinned() -> Iterator[None]:
    """Let this thread use all cores inside; for work that releases the interpreter lock."""
    if not _CAN_CHOOSE:
        yield
        return
    before = os.sched_getaffinity(0)
    _set_affinity(_INITIAL_CORES)
    try:
        yield
    finally:
        _set_affinity(before)


def _set_affinity(cores: Collection[int]) -> None:
    # A service that may not set its affinity, or got other cores since, keeps those that it has.
    with suppress(OSError):
        os.sched_setaffinity(0, cores)
