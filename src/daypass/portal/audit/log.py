"""The audit log: durable before it answers, with one commit for many requests."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy.exc import IntegrityError

from daypass.portal.audit.batch import Check, Record, RowChange, UnitOfWork, write_units
from daypass.portal.audit.chain import Event, Head
from daypass.portal.audit.refusal_limit import WINDOW, RefusalLimit
from daypass.portal.clock import Clock
from daypass.portal.errors import AuditUnavailable, Overloaded, PortalError, StorageUnavailable
from daypass.portal.storage.advisory_lock import limit_lock_waits
from daypass.portal.storage.engine import Allowance, Database, StorageConflict, StorageLocked

__all__ = ["AuditLog", "Check", "Event", "Record", "RowChange"]

_LONGEST_BATCH = 128
_LONGEST_QUEUE = 2000
_LONGEST_WAIT = timedelta(seconds=8)
"""A caller who waited longer is told that nothing was recorded, and drops what it holds."""

LONGEST_COMMIT = 2 * _LONGEST_WAIT + timedelta(seconds=10)
"""How long a commit takes at most: the wait for the lead, a batch, and a connection before it."""

_CLOSING = timedelta(seconds=10)

# Locks of a stopped backend or a vanished client stay held. While that is likely, a batch must not spend
# the seconds on them in which its other entries could be written.
_CAREFUL_SECONDS = 30.0
_BATCH_LOCK_WAIT = timedelta(milliseconds=500)
_SINGLE_LOCK_WAIT = timedelta(milliseconds=100)

_ROLLED_BACK = (StorageConflict, StorageLocked, IntegrityError)
"""Errors that the database itself reports, at COMMIT too: nothing of the transaction is durable."""


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Entry:
    """A unit of work on its way, and how its commit came out.

    The outcome is decided once, under the log's lock: by its own thread when it gives up waiting, or by the
    leader. Whatever the other finds out afterwards changes nothing.
    """

    unit: UnitOfWork
    # A bare lock, held until there is news: an Event costs several of them.
    news: threading.Lock = field(default_factory=_locked)
    leads: bool = False
    """Whether its thread is to write for all who wait; else the news is that it is written."""
    is_decided: bool = False
    failure: Exception | None = None

    def decide(self, failure: Exception | None) -> None:
        """Set the outcome, unless there is one; to be called under the log's lock."""
        if not self.is_decided:
            self.is_decided, self.failure = True, failure


class AuditLog:
    """Appends events, each with the rows that belong to it, in one transaction.

    One thread at a time leads: it writes what all have queued, in one commit, so that they share one disk
    flush, and hands the lead on to the first of those who came meanwhile.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        patience: timedelta = _LONGEST_WAIT,
        *,
        longest_queue: int = _LONGEST_QUEUE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._patience = patience.total_seconds()
        self._longest_queue = longest_queue
        # The leader's own.
        self._head: Head | None = None
        self._careful_until = 0.0
        self._refusals = RefusalLimit()
        self._counting: threading.Timer | None = None
        # What follows changes under this lock alone, but for a number that may be a little out of date.
        self._lock = threading.Condition(threading.Lock())
        self._waiting: deque[_Entry] = deque()
        self._is_led = False
        self._is_closing = False

    def commit(
        self, event: Event, *writes: RowChange, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """Return when the event and its rows are durable.

        `precondition` runs inside the same transaction, after everything that has committed before: the
        refusal it answers is raised, and nothing of this commit is written. On no replica does an
        administrative change (`is_change`) commit between another's check and its commit. Raises
        `AuditUnavailable` when the record could not be made or the database did not confirm it in time, and
        `Overloaded` when too much is waiting.
        """
        self.commit_all(((event, writes),), precondition=precondition, is_change=is_change)

    def commit_refusal(self, event: Event, *writes: RowChange) -> None:
        """Record a refusal or an alert, within the limit of its subject; the rest are counted.

        Raises `AuditUnavailable` and `Overloaded` like `commit`; nothing is written of one that is counted.
        """
        now = self._clock()
        # First, so that a window that is over makes room for a new one.
        counts = self._refusals.take_counts(now)
        is_admitted = self._refusals.admit(event, now)
        if not is_admitted:
            self._count_later()
        self._commit_counts(counts, [(event, writes)] if is_admitted else [])

    def commit_all(
        self, records: Sequence[Record], *, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """The same for several events: one check for all of them, and either all are durable or none.

        Rows of one statement are written together, where the first of them is.
        """
        if len(self._waiting) >= self._longest_queue:
            raise Overloaded("The portal has more to do than it can record. Try again in a moment.")
        entry = _Entry(UnitOfWork(records, precondition, is_change))
        with self._lock:
            self._waiting.append(entry)
            entry.leads, self._is_led = not self._is_led, True
        if not entry.leads and not entry.news.acquire(timeout=self._patience):
            self._abandon(entry)
        if entry.leads:
            self._lead(entry)
        if entry.failure is not None:
            raise entry.failure

    def write(self, *writes: RowChange) -> None:
        """Return when rows are durable that belong to no event; they share the commits of the records.

        Raises what `commit` raises.
        """
        self.commit_all(((None, writes),))

    def close(self, within: timedelta = _CLOSING) -> None:
        """Record the counts; return when no thread writes any more, or when *within* has passed."""
        ends_at = monotonic() + within.total_seconds()
        with self._lock:
            self._is_closing = True
            if self._counting is not None:
                self._counting.cancel()
        if self._refusals.has_counts:
            # A database that does not answer keeps this daemon thread waiting, and not the process.
            last = threading.Thread(target=self._record_counts, args=(None,), name="refusals", daemon=True)
            last.start()
            last.join(within.total_seconds())
        with self._lock:
            self._lock.wait_for(lambda: not self._is_led, ends_at - monotonic())

    def _count_later(self) -> None:
        """Have the counts recorded when the window is over, should no other refusal come."""
        with self._lock:
            if self._counting is None and not self._is_closing:
                wait = WINDOW.total_seconds()
                self._counting = threading.Timer(wait, self._counting_is_due)
                self._counting.name, self._counting.daemon = "refusals", True
                self._counting.start()

    def _counting_is_due(self) -> None:
        with self._lock:
            self._counting = None
        self._record_counts(self._clock())
        if self._refusals.has_counts:
            self._count_later()

    def _record_counts(self, now: datetime | None) -> None:
        # Without a database the counts wait for the next commit. At the end of the process they are lost.
        with suppress(PortalError):
            while counts := self._refusals.take_counts(now):
                self._commit_counts(counts)

    def _commit_counts(self, counts: Sequence[Event], records: Sequence[Record] = ()) -> None:
        """Commit counts and records together; if that fails, a later commit has the counts again.

        A commit that was not confirmed may be durable all the same. Its counts are then recorded twice, with
        the same actor, action, code and beginning.
        """
        if not counts and not records:
            return
        try:
            self.commit_all([*((count, ()) for count in counts), *records])
        except (AuditUnavailable, Overloaded):
            if counts:
                self._refusals.put_back(counts)
                self._count_later()
            raise

    def _abandon(self, entry: _Entry) -> None:
        """Give up on an entry that waited too long, unless it was made the leader just now."""
        with self._lock:
            if not entry.leads:
                entry.decide(AuditUnavailable(_NOT_RECORDED))

    def _lead(self, own: _Entry) -> None:
        """Write a batch, the first of which is one's own."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LONGEST_BATCH))]
            batch = [entry for entry in taken if not entry.is_decided]
        ends_at = monotonic() + self._database.longest_answer.total_seconds()
        try:
            self._commit(batch, ends_at, _BATCH_LOCK_WAIT if self._is_careful() else None)
        except BaseException:
            # This thread was interrupted, and what is durable is unknown: the next leader opens a new chain.
            self._head = None
            raise
        finally:
            # Entries that were not reached, or whose fate is unknown, were not recorded as far as we know.
            self._decide(batch, [AuditUnavailable(_NOT_RECORDED) for _ in batch])
            self._hand_on()
            for entry in batch:
                if entry is not own:
                    entry.news.release()

    def _is_careful(self) -> bool:
        """Whether a lock may be held by a transaction that never ends."""
        return monotonic() < self._careful_until

    def _decide(self, batch: Sequence[_Entry], failures: Sequence[Exception | None]) -> None:
        with self._lock:
            for entry, failure in zip(batch, failures, strict=True):
                entry.decide(failure)

    def _hand_on(self) -> None:
        with self._lock:
            while self._waiting and self._waiting[0].is_decided:
                self._waiting.popleft()
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].news.release()
            else:
                self._is_led = False
                self._lock.notify_all()

    def _commit(
        self,
        batch: Sequence[_Entry],
        ends_at: float,
        lock_wait: timedelta | None,
        *,
        is_last_try: bool = False,
    ) -> bool:
        """Write and decide entries together; return False where the database takes no others either."""
        is_sent = False
        try:
            with self._database.writing(Allowance(ends_at=ends_at)) as connection:
                if lock_wait is not None:
                    limit_lock_waits(connection, lock_wait)
                units = [entry.unit for entry in batch]
                head, refusals = write_units(connection, units, self._head, self._clock)
                is_sent = True
        except Exception as error:  # the others have to outlive whatever one entry brings along
            # The last durable event may be unknown, so the next transaction opens a new chain.
            self._head = None
            is_outage = isinstance(error, StorageUnavailable) and not isinstance(error, _ROLLED_BACK)
            if is_outage or isinstance(error, StorageLocked):
                self._careful_until = monotonic() + _CAREFUL_SECONDS
            if is_outage or (is_sent and not isinstance(error, _ROLLED_BACK)):
                # The COMMIT may still take effect. A second attempt could record the same thing twice.
                self._decide(batch, [_not_recorded(error) for _ in batch])
                return False
            self._recover(batch, ends_at, error, is_last_try=is_last_try)
            return True
        self._head = head
        self._decide(batch, refusals)
        return True

    def _recover(
        self, batch: Sequence[_Entry], ends_at: float, error: Exception, *, is_last_try: bool
    ) -> None:
        """Try again where nothing was written: each entry alone, and once more after a deadlock."""
        if len(batch) > 1:
            lock_wait = _SINGLE_LOCK_WAIT if self._is_careful() else None
            for entry in batch:
                if monotonic() >= ends_at or not self._commit([entry], ends_at, lock_wait):
                    return
        elif isinstance(error, StorageConflict) and not is_last_try:
            # The transaction that this one gave way to is through by now.
            self._commit(batch, ends_at, None, is_last_try=True)
        else:
            self._decide(batch, [_not_recorded(error) if isinstance(error, StorageUnavailable) else error])


_NOT_RECORDED = (
    "The portal cannot write its record now, and hands out nothing without one. Try again in a moment."
)


def _not_recorded(fault: Exception) -> AuditUnavailable:
    failure = AuditUnavailable(_NOT_RECORDED)
    failure.__cause__ = fault
    return failure
