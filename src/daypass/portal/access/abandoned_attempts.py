"""Background job that settles attempts for which no outcome was recorded in time."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from daypass.portal.access import attempt_records
from daypass.portal.access.broker import AWS_TIME_LIMIT
from daypass.portal.access.issuance_count import count_abandoned
from daypass.portal.access.model import IssuanceRecord
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.audit.committer import Committer
from daypass.portal.errors import PortalError
from daypass.portal.storage.database_clock import database_time
from daypass.portal.storage.engine import Database
from daypass.portal.storage.group_commit import LONGEST_COMMIT
from daypass.portal.storage.prepared import RowMismatch
from daypass.portal.telemetry.error_events import FailureLog

_MAX_CLOCK_SKEW = timedelta(minutes=5)

LONGEST_ATTEMPT = AWS_TIME_LIMIT + 3 * LONGEST_COMMIT
"""The time from an attempt's timestamp in which its outcome is normally committed.

It covers the calls of AWS and three commits: the intent, the cached state of the role and the outcome. An
attempt may write the cached state more than once and so take longer while the database is slow. That is safe:
its late outcome fails, because the attempt is settled, and it releases nothing.
"""

ABANDONED_AFTER = LONGEST_ATTEMPT + _MAX_CLOCK_SKEW
"""The age, by the database's clock, from which an attempt without an outcome counts as abandoned.

A process that was suspended for longer, or whose clock deviates further, releases no credentials: committing
its outcome fails because the attempt is settled already.
"""

_INTERVAL = timedelta(minutes=1)
_BATCH = 100


class AbandonedAttempts:
    """A background job that settles abandoned attempts; safe to run on several replicas at once."""

    def __init__(self, database: Database, committer: Committer) -> None:
        self._database = database
        self._committer = committer
        self._failures = FailureLog("abandoned attempts")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="abandoned-attempts", daemon=True)

    def start(self) -> None:
        """Start the background thread, which settles abandoned attempts once a minute until `close`."""
        self._thread.start()

    def settle_some(self) -> int:
        """Settle up to a hundred abandoned attempts and return their number.

        If the database is unavailable, return 0 and leave them to a later run.
        """
        try:
            settled = self.settle(self.find())
        except PortalError as error:
            self._failures.failed(error)
            return 0
        self._failures.succeeded()
        return settled

    def find(self) -> Sequence[IssuanceRecord]:
        """Return up to a hundred abandoned attempts, oldest first."""
        with self._database.reading() as connection:
            before = database_time(connection) - ABANDONED_AFTER
            return IssuanceStore(connection).list_open_before(before, _BATCH)

    def settle(self, attempts: Sequence[IssuanceRecord]) -> int:
        """Record an unknown outcome for each attempt that has none yet; return how many were recorded."""
        settled = 0
        for attempt in attempts:
            # `RowMismatch` means that the attempt has an outcome by now: another replica settled it, or its
            # process was only slow.
            with suppress(RowMismatch):
                self._committer.commit(*attempt_records.unknown(attempt))
                count_abandoned(attempt)
                settled += 1
        return settled

    def interrupt(self) -> None:
        """Signal the background thread to stop after the current batch, without waiting for it."""
        self._closing.set()

    def close(self) -> None:
        """Stop the background thread, and wait for it for at most `LONGEST_COMMIT`."""
        self.interrupt()
        if self._thread.is_alive():
            self._thread.join(LONGEST_COMMIT.total_seconds())

    def _run(self) -> None:
        while not self._closing.wait(_INTERVAL.total_seconds()):
            while not self._closing.is_set() and self.settle_some():
                pass
