"""Gauges of this process, which are set from time to time rather than with each request."""

import threading
from collections.abc import Callable
from datetime import timedelta

from daypass.portal.telemetry.multiprocess import is_recording

_INTERVAL = timedelta(seconds=5)


class MetricsSampler:
    """Background work that sets gauges, so that a scrape of another process finds them up to date."""

    def __init__(self, sample: Callable[[], None]) -> None:
        self._sample = sample
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        """Set the gauges now and every five seconds until `close`, if this process records metrics."""
        if is_recording():
            self._sample()
            self._thread.start()

    def interrupt(self) -> None:
        """Signal the background thread to stop, without waiting for it."""
        self._closing.set()

    def close(self) -> None:
        """Stop the background thread, and wait for it."""
        self.interrupt()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_INTERVAL.total_seconds()):
            self._sample()
