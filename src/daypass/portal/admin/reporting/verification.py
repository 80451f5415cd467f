"""Verification of the audit log as an interruptible background job, one at a time across all replicas."""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daypass.portal.admin.reporting.model import VerificationProgress
from daypass.portal.admin.reporting.store.verifications import VerificationStore
from daypass.portal.audit.store import count_events
from daypass.portal.audit.verify import Report, verify
from daypass.portal.clock import Clock
from daypass.portal.errors import PortalError
from daypass.portal.storage.engine import Database
from daypass.portal.telemetry.error_events import log_error

_REST = 0.005
"""Seconds between batches of events, so that requests get the interpreter lock."""

_RENEWED_EVERY = timedelta(seconds=1)
"""The interval of lease renewals. Each is a commit, and there are some sixty batches a second."""


class _Interrupted(Exception):
    """The process is stopping."""


class _Replaced(Exception):
    """The lease of this run expired, and another run began."""


@dataclass(slots=True)
class Verification:
    """Verifies the audit log in a background thread; its state is in the database."""

    database: Database
    clock: Clock
    rest: Callable[[float], bool] | None = None
    """Waits the given seconds between batches and returns whether to stop; by default, at `interrupt`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def progress(self) -> VerificationProgress | None:
        """The state of the last verification on any replica, or None before the first."""
        with self.database.reading() as connection:
            return VerificationStore(connection).find()

    def start(self) -> bool:
        """Begin a verification; return False if one is running already, on any replica."""
        with self._lock:
            # Under the lock, so that `close` waits for every thread that was started.
            if self._stop.is_set():
                return False
            run_id = uuid.uuid4().hex
            with self.database.writing() as connection:
                is_begun = VerificationStore(connection).begin(run_id, self.clock())
            if is_begun:
                thread = threading.Thread(target=self._run, args=(run_id,), name="verification")
                self._threads = [other for other in self._threads if other.is_alive()] + [thread]
                thread.start()
            return is_begun

    def interrupt(self) -> None:
        """Request the running verification to stop, and begin no other; does not wait."""
        self._stop.set()

    def close(self) -> None:
        """Interrupt the running verification, and wait until it has ended."""
        self.interrupt()
        with self._lock:
            threads = self._threads
        for thread in threads:
            thread.join()

    def _run(self, run_id: str) -> None:
        report, refusal = None, "It could not be finished because of an internal error, which is in the log."
        try:
            report, refusal = self._verify(run_id), ""
        except _Interrupted:
            refusal = "It was interrupted, because the portal was stopped."
        except _Replaced:
            return
        except Exception as error:
            log_error("verification", error)
            if isinstance(error, PortalError):
                refusal = error.reason
        finally:
            # Without a database the row stays as it is, and its lease expires. If another run has replaced
            # this one, nothing is changed.
            with suppress(PortalError), self.database.writing() as connection:
                VerificationStore(connection).end(run_id, self.clock(), report, refusal)

    def _verify(self, run_id: str) -> Report:
        renewed_at: datetime | None = None

        def advance(done: int) -> None:
            nonlocal renewed_at
            now = self.clock()
            # A clock that was set back must not prevent the renewal of the lease.
            if renewed_at is None or abs(now - renewed_at) >= _RENEWED_EVERY:
                with self.database.writing() as renewing:
                    if not VerificationStore(renewing).renew(run_id, total, done):
                        raise _Replaced
                renewed_at = now
            if (self.rest or self._stop.wait)(_REST):
                raise _Interrupted

        with self.database.snapshot() as connection:
            total = count_events(connection)
            return verify(connection, advance=advance)
