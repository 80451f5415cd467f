"""The stream of log lines, whose reader blocks no request."""

import io
import json
import os
import select
import threading
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import TextIO

from daypass.portal.clock import utc_now
from daypass.portal.telemetry.metrics import LOG_LINES_DROPPED

_MOST_QUEUED = 4 * 1024 * 1024
_FLUSH_TIME = timedelta(seconds=2)
_GATHERING = timedelta(milliseconds=20)
"""The time for which lines are collected before a batch is written."""


class LogStream(io.TextIOBase):
    """A text stream whose `write` does not block on *out* after `start`.

    Text beyond *most* queued characters is dropped; the number of dropped writes is logged when *out* accepts
    text again. Before `start` and after `finish` it writes through.
    """

    writes_json = True
    """Whether the notice about dropped lines is JSON rather than plain text."""

    def __init__(self, out: TextIO, most: int = _MOST_QUEUED) -> None:
        super().__init__()
        self._out = out
        self._most = most
        self._changed = threading.Condition(threading.Lock())
        self._queue: deque[str] = deque()
        self._queued = 0
        self._dropped = 0
        self._is_closing = False
        self._is_writing = False
        self._is_idle = False
        self._writer: threading.Thread | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here
        """The encoding of what is written."""
        return "utf-8"

    def isatty(self) -> bool:
        """Return whether the text goes to a terminal."""
        return self._out.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Queue *text*, or count it as dropped."""
        if self._writer is None:
            self._out.write(text)
            self._out.flush()
            return len(text)
        with self._changed:
            if self._queued + len(text) > self._most:
                self._dropped += 1
            else:
                self._queue.append(text)
                self._queued += len(text)
                # A writer that gathers lines wakes up by itself; a notification would wake it for nothing.
                if self._is_idle:
                    self._is_idle = False
                    self._changed.notify_all()
        return len(text)

    def start(self) -> None:
        """Queue what is written from now on, and write it in a thread of this process."""
        self._is_closing = False
        # A daemon thread, because one that is blocked on a full pipe must not keep the process from ending.
        self._writer = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._writer.start()

    def drain(self, timeout: timedelta = _FLUSH_TIME) -> bool:
        """Wait until the queue is written, for *timeout* at most; return whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._queue or self._is_writing or self._dropped), timeout.total_seconds()
            )

    def finish(self, timeout: timedelta = _FLUSH_TIME) -> None:
        """Write the queue, for *timeout* at most, and write through from now on."""
        if self._writer is None:
            return
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._writer.join(timeout.total_seconds())
        self._writer = None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_idle = not (self._queue or self._dropped)
                self._changed.wait_for(lambda: self._queue or self._dropped or self._is_closing)
                # Lines of many requests are written together, since each wake-up interrupts requests.
                self._changed.wait_for(lambda: self._is_closing, _GATHERING.total_seconds())
                batch, dropped = "".join(self._queue), self._dropped
                is_last = self._is_closing
                self._queue.clear()
                self._queued = self._dropped = 0
                self._is_writing = True
            if dropped:
                LOG_LINES_DROPPED.count(by=dropped)
                batch += _dropped_notice(dropped, as_json=self.writes_json)
            # The portal keeps serving even if the reader of the log has gone.
            with suppress(OSError, ValueError):
                self._put(batch)
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
            if is_last:
                return

    def _put(self, batch: str) -> None:
        try:
            fd = self._out.fileno()
        except (OSError, ValueError, AttributeError):
            self._out.write(batch)
            return
        # Bypasses the stream, whose lock would be held while the pipe is full, also at exit.
        # User input may contain lone surrogates, which strict UTF-8 does not encode.
        rest = memoryview(batch.encode(errors="backslashreplace"))
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            # Another process that shares this stderr may have set it to non-blocking mode.
            except BlockingIOError:
                select.select([], [fd], [])


def _dropped_notice(number: int, *, as_json: bool) -> str:
    if not as_json:
        return f"{number} log lines were dropped\n"
    # Without structlog, whose lines would be queued, and perhaps dropped.
    line = {
        "timestamp": timestamp(),
        "level": "warning",
        "event": "log lines dropped",
        "logger": "portal.logs",
        "pid": os.getpid(),
        "dropped": number,
    }
    return json.dumps(line) + "\n"


def timestamp() -> str:
    """Return the current time as RFC 3339 has it."""
    return utc_now().isoformat(timespec="microseconds")[:-6] + "Z"
