"""Attempts whose process ended before it recorded an outcome are settled: their outcome is unknown."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from daypass.portal.access import audit_events
from daypass.portal.access.broker import AWS_TIME
from daypass.portal.access.store import IssuanceRecord, IssuanceStore
from daypass.portal.audit.log import LONGEST_COMMIT, AuditLog
from daypass.portal.errors import PortalError
from daypass.portal.storage.database_clock import database_time
from daypass.portal.storage.engine import Database
from daypass.portal.storage.prepared import RowMismatch

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)

LONGEST_ATTEMPT = AWS_TIME + 3 * LONGEST_COMMIT
"""From an attempt's time stamp to its outcome: the intent, what is learned of the role, and the outcome."""

SETTLED_AFTER = LONGEST_ATTEMPT + _CLOCKS_MAY_DIFFER
"""The age of an attempt, by the database's clock, at which no process works on it any more.

A process that was suspended for longer, or whose clock is further off, releases nothing: it finds its attempt
settled.
"""

_INTERVAL = timedelta(minutes=1)
_BATCH = 100


class AbandonedAttempts:
    """Settles orphaned attempts, at start and once a minute; replicas may do so at the same time."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orphans", daemon=True)

    def start(self) -> None:
        """Settle orphaned attempts in the background until `close`."""
        self._thread.start()

    def settle_some(self) -> int:
        """Settle up to a hundred orphaned attempts; return how many.

        While the database is unavailable, they wait for a later round.
        """
        with suppress(PortalError):
            return self.settle(self.find())
        return 0

    def find(self) -> Sequence[IssuanceRecord]:
        """Return orphaned attempts, oldest first, at most a hundred."""
        with self._database.reading() as connection:
            before = database_time(connection) - SETTLED_AFTER
            return IssuanceStore(connection).requested(before, _BATCH)

    def settle(self, attempts: Sequence[IssuanceRecord]) -> int:
        """Record that the outcome of these attempts is unknown; return how many had none until now."""
        settled = 0
        for attempt in attempts:
            # Another replica settled it, or its process was slow and not dead.
            with suppress(RowMismatch):
                self._audit.commit(*audit_events.unknown(attempt))
                settled += 1
        return settled

    def interrupt(self) -> None:
        """Ask the background thread to stop after the attempt that it settles just now; does not wait."""
        self._closing.set()

    def close(self) -> None:
        """Interrupt, and return when the background thread has stopped."""
        self.interrupt()
        if self._thread.is_alive():
            self._thread.join(LONGEST_COMMIT.total_seconds())

    def _run(self) -> None:
        while not self._closing.wait(_INTERVAL.total_seconds()):
            while not self._closing.is_set() and self.settle_some():
                pass
