"""The time limits of a stop, and the end of a process whose threads do not end."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

_LOG_TIME = timedelta(seconds=2)
_LONGEST_LINGER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class StopTimes:
    """The parts of the stop timeout: `requests`, `cleanup` and `log` add up to it."""

    linger: timedelta
    """The part of `requests` in which a replaced worker answers on connections that clients keep open."""
    requests: timedelta
    """The time for responses in progress; only downloads take longer."""
    cleanup: timedelta
    """The time for closing the database and the threads."""
    log: timedelta
    """The time for writing the queued log lines."""

    @classmethod
    def within(cls, stop_timeout: timedelta) -> "StopTimes":
        """Return the parts of that timeout."""
        log = min(_LOG_TIME, stop_timeout / 8)
        requests = (stop_timeout - log) * 0.6
        return cls(
            linger=min(_LONGEST_LINGER, requests / 2),
            requests=requests,
            cleanup=stop_timeout - log - requests,
            log=log,
        )


@contextmanager
def cleanup_timeout(warn: Callable[[], None], within: timedelta) -> Iterator[None]:
    """Limit the time of the cleanup inside; after a timeout, call *warn* and exit with code 1.

    A thread that waits for a stalled file system cannot be interrupted, so its resources are not released.
    """

    def give_up() -> None:
        warn()
        os._exit(1)

    timer = threading.Timer(within.total_seconds(), give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
