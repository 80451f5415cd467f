"""The audit log's verification as a background job: one at a time, with progress, interruptible."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from daypass.portal.audit.store import count_events
from daypass.portal.audit.verify import Report, verify
from daypass.portal.clock import Clock
from daypass.portal.errors import PortalError
from daypass.portal.storage.engine import Database

_REST = 0.005
"""Seconds after each batch of events, in which requests get the interpreter."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of the last verification that this process began."""

    began_at: datetime
    total: int = 0
    """How many events there were at the beginning."""
    done: int = 0
    ended_at: datetime | None = None
    """None while it runs."""
    report: Report | None = None
    """None while it runs, and where it could not be finished."""
    refusal: str = ""
    """Why it could not be finished."""

    @property
    def is_running(self) -> bool:
        """True until it is over."""
        return self.ended_at is None

    @property
    def percent(self) -> int:
        """The share that is done, in percent; never 100 before it is over."""
        return min(99, 100 * self.done // self.total) if self.total else 0


class _Interrupted(Exception):
    """The process is to stop."""


@dataclass(slots=True)
class Verification:
    """Verifies the audit log in a thread of its own."""

    database: Database
    clock: Clock
    rest: Callable[[float], bool] | None = None
    """Waits so many seconds between batches, and says whether to stop; by default until `close`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _progress: Progress | None = None

    @property
    def progress(self) -> Progress | None:
        """The state of the last verification, or None before the first."""
        return self._progress

    def start(self) -> bool:
        """Begin a verification; return False if one is running already."""
        with self._lock:
            if self._stop.is_set() or (self._progress is not None and self._progress.is_running):
                return False
            self._progress = Progress(self.clock())
            self._thread = threading.Thread(target=self._run, args=(self._progress,), name="verification")
            self._thread.start()
        return True

    def close(self) -> None:
        """Interrupt what runs, and return when it has ended."""
        with self._lock:
            self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, progress: Progress) -> None:
        report, refusal = None, "It could not be finished because of an internal error, which is in the log."
        try:
            with self.database.snapshot() as connection:
                self._progress = replace(progress, total=count_events(connection))
                report, refusal = verify(connection, advance=self._advance), ""
        except PortalError as error:
            refusal = error.reason
        except _Interrupted:
            refusal = "It was interrupted, because the portal was stopped."
        finally:
            reached = self._progress or progress
            done = reached.done if report is None else report.events
            self._progress = replace(
                reached, done=done, ended_at=self.clock(), report=report, refusal=refusal
            )

    def _advance(self, done: int) -> None:
        assert self._progress is not None  # noqa: S101  it is set before the thread begins
        self._progress = replace(self._progress, done=done)
        if (self.rest or self._stop.wait)(_REST):
            raise _Interrupted
