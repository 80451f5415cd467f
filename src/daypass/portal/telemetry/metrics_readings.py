"""Metrics that a scrape reads from the database."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

import structlog

from daypass.portal.telemetry.metrics import READ_ERRORS
from daypass.portal.telemetry.metrics_exposition import Readings

_FRESH = timedelta(seconds=10)
"""The time for which a reading is reused, so that frequent scrapes do not load the database."""

_PATIENCE = timedelta(seconds=1)
"""The time for which a scrape waits for the database."""

_log = structlog.get_logger("portal.metrics")


class CachedReadings:
    """The readings of a function that may block or fail; a scrape gets none then, and counts an error.

    The function runs in a thread of its own, at most once at a time. Used by one thread at a time.
    """

    def __init__(
        self,
        read: Callable[[], Readings],
        monotonic: Callable[[], float],
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._patience = patience.total_seconds()
        self._running: Future[Readings] | None = None
        self._started_at = 0.0

    def __call__(self) -> Readings:
        """Return the readings, at most ten seconds old; empty if they cannot be had in time."""
        now = self._monotonic()
        running = self._running
        if running is None or (running.done() and now - self._started_at >= _FRESH.total_seconds()):
            running, self._started_at = self._start(), now
            self._running = running
        try:
            return running.result(max(0.0, self._started_at + self._patience - now))
        except Exception:  # the other metrics are needed most when the database fails
            READ_ERRORS.count()
            return {}

    def _start(self) -> "Future[Readings]":
        running: Future[Readings] = Future()
        # A daemon: a read that hangs must not keep the process from ending.
        threading.Thread(target=self._run, args=(running,), name="metrics-read", daemon=True).start()
        return running

    def _run(self, running: "Future[Readings]") -> None:
        try:
            running.set_result(self._read())
        except Exception as error:  # whatever it is, `__call__` counts it
            _log.warning("Metrics of the database are left out.", cause=type(error).__name__)
            running.set_exception(error)
