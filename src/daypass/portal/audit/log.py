"""The audit log with group commit: callers return once their events are durable, and share commits."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy.exc import IntegrityError

from daypass.portal.audit.batch import Check, Record, RowChange, UnitOfWork, write_units
from daypass.portal.audit.chain import Head
from daypass.portal.audit.event import Event
from daypass.portal.audit.refusal_limit import WINDOW, RefusalLimit
from daypass.portal.clock import Clock
from daypass.portal.errors import AuditUnavailable, Overloaded, PortalError, StorageUnavailable
from daypass.portal.storage.advisory_lock import limit_lock_waits
from daypass.portal.storage.engine import Allowance, Database, StorageConflict, StorageLocked

__all__ = ["AuditLog", "Check", "Record", "RowChange"]

_MAX_BATCH = 128
_MAX_QUEUE = 2000
_MAX_WAIT = timedelta(seconds=8)
"""The longest wait of a caller; after that its commit fails with `AuditUnavailable`."""

LONGEST_COMMIT = 2 * _MAX_WAIT + timedelta(seconds=10)
"""The longest time that a commit takes: the wait to become leader, one batch, and a connection for it."""

_CLOSE_TIMEOUT = timedelta(seconds=10)

# A stopped backend or a vanished client keeps its locks. After a fault that may have such a cause, lock waits
# are short for a while, so that a batch does not spend on one lock the time its other entries need.
_SHORT_WAITS_SECONDS = 30.0
_BATCH_LOCK_WAIT = timedelta(milliseconds=500)
_SINGLE_LOCK_WAIT = timedelta(milliseconds=100)

_ROLLED_BACK = (StorageConflict, StorageLocked, IntegrityError)
"""Errors after which nothing of the transaction is durable, even if COMMIT raised them."""


def _acquired_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Entry:
    """A queued unit of work and the outcome of its commit.

    The outcome is set once, under the log's lock: by the waiting thread when it times out, or by the leader.
    Later outcomes are ignored.
    """

    unit: UnitOfWork
    # A bare lock, acquired at the start and released as the signal: a `threading.Event` uses several of them.
    signal: threading.Lock = field(default_factory=_acquired_lock)
    is_leader: bool = False
    """Whether the waiting thread is to become the leader; if not, the signal means that it is done."""
    is_decided: bool = False
    failure: Exception | None = None

    def decide(self, failure: Exception | None) -> None:
        """Set the outcome unless it is set already; the caller must hold the log's lock."""
        if not self.is_decided:
            self.is_decided, self.failure = True, failure


class AuditLog:
    """An append-only log of events, each committed in one transaction with the row changes that belong to it.

    It uses group commit: one thread at a time is the leader and commits all queued units of work in a single
    transaction, which costs one disk flush. Then it promotes the first thread that has queued meanwhile.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        timeout: timedelta = _MAX_WAIT,
        *,
        max_queue: int = _MAX_QUEUE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._max_queue = max_queue
        # Used by the leader only.
        self._head: Head | None = None
        self._short_waits_until = 0.0
        self._refusals = RefusalLimit()
        self._count_timer: threading.Timer | None = None
        # The lock protects the attributes below. Only the queue's length is also read without it.
        self._lock = threading.Condition(threading.Lock())
        self._waiting: deque[_Entry] = deque()
        self._is_led = False
        self._is_closing = False

    def commit(
        self, event: Event, *writes: RowChange, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """Commit the event and its row changes; return when they are durable.

        `precondition` runs inside the same transaction and sees everything committed before. If it returns a
        refusal, that is raised and nothing is written. No administrative change (`is_change`) of any replica
        commits between the precondition of another commit and the end of that commit. Raises
        `AuditUnavailable` if the commit failed or was not confirmed in time, and `Overloaded` if the queue is
        full.
        """
        self.commit_all(((event, writes),), precondition=precondition, is_change=is_change)

    def commit_refusal(self, event: Event, *writes: RowChange) -> None:
        """Record a refusal or an alert if it is within the rate limit; otherwise only count it.

        Raises `AuditUnavailable` and `Overloaded` like `commit`. The row changes of a counted refusal are
        dropped.
        """
        now = self._clock()
        # The order matters: removing an expired window lets `admit` start a new one.
        counts = self._refusals.take_counts(now)
        is_admitted = self._refusals.admit(event, now)
        if not is_admitted:
            self._count_later()
        self._commit_counts(counts, [(event, writes)] if is_admitted else [])

    def commit_all(
        self, records: Sequence[Record], *, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """Commit several events, like `commit`: with one precondition for all, and all of them or none.

        Row changes with the same statement are written together, at the place of the first of them.
        """
        if len(self._waiting) >= self._max_queue:
            raise Overloaded(
                "The portal is overloaded and cannot write its audit log in time. Try again in a moment."
            )
        entry = _Entry(UnitOfWork(records, precondition, is_change))
        with self._lock:
            self._waiting.append(entry)
            entry.is_leader, self._is_led = not self._is_led, True
        if not entry.is_leader and not entry.signal.acquire(timeout=self._timeout):
            self._abandon(entry)
        if entry.is_leader:
            self._lead(entry)
        if entry.failure is not None:
            raise entry.failure

    def write(self, *writes: RowChange) -> None:
        """Commit row changes without an event; return when they are durable.

        They share the group commit. Raises the same errors as `commit`.
        """
        self.commit_all(((None, writes),))

    def close(self, timeout: timedelta = _CLOSE_TIMEOUT) -> None:
        """Record the counts and wait until no thread is writing, for at most *timeout*."""
        ends_at = monotonic() + timeout.total_seconds()
        with self._lock:
            self._is_closing = True
            if self._count_timer is not None:
                self._count_timer.cancel()
        if self._refusals.has_counts:
            # A daemon thread, so that a database that does not answer cannot block the process.
            last = threading.Thread(target=self._record_counts, args=(None,), name="refusals", daemon=True)
            last.start()
            last.join(timeout.total_seconds())
        with self._lock:
            self._lock.wait_for(lambda: not self._is_led, ends_at - monotonic())

    def _count_later(self) -> None:
        """Schedule the recording of counts for the end of the window, in case no later refusal does it."""
        with self._lock:
            if self._count_timer is None and not self._is_closing:
                wait = WINDOW.total_seconds()
                self._count_timer = threading.Timer(wait, self._record_due_counts)
                self._count_timer.name, self._count_timer.daemon = "refusals", True
                self._count_timer.start()

    def _record_due_counts(self) -> None:
        with self._lock:
            self._count_timer = None
        self._record_counts(self._clock())
        if self._refusals.has_counts:
            self._count_later()

    def _record_counts(self, now: datetime | None) -> None:
        # While the database is unavailable, counts wait for the next commit. Those left at exit are lost.
        with suppress(PortalError):
            while counts := self._refusals.take_counts(now):
                self._commit_counts(counts)

    def _commit_counts(self, counts: Sequence[Event], records: Sequence[Record] = ()) -> None:
        """Commit counts and records together; if that fails, keep the counts for a later commit.

        An unconfirmed commit may be durable nevertheless. Then its counts are recorded twice, with the same
        actor, action, code and start.
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
        """Set a timed-out entry to failed, unless it has just been made the leader."""
        with self._lock:
            if not entry.is_leader:
                entry.decide(AuditUnavailable(_NOT_RECORDED))

    def _lead(self, own: _Entry) -> None:
        """Write a batch that begins with the leader's own entry, then promote the next leader."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
            batch = [entry for entry in taken if not entry.is_decided]
        ends_at = monotonic() + self._database.longest_answer.total_seconds()
        try:
            self._commit(batch, ends_at, _BATCH_LOCK_WAIT if self._uses_short_waits() else None)
        except BaseException:
            # The thread was interrupted and may have committed, so the head of the chain is unknown. The next
            # leader opens a new chain.
            self._head = None
            raise
        finally:
            # Entries without an outcome were not reached, or it is unknown whether they are durable.
            self._decide(batch, [AuditUnavailable(_NOT_RECORDED) for _ in batch])
            self._promote_next()
            for entry in batch:
                if entry is not own:
                    entry.signal.release()

    def _uses_short_waits(self) -> bool:
        """Whether a recent fault makes it likely that a transaction holds its locks for ever."""
        return monotonic() < self._short_waits_until

    def _decide(self, batch: Sequence[_Entry], failures: Sequence[Exception | None]) -> None:
        with self._lock:
            for entry, failure in zip(batch, failures, strict=True):
                entry.decide(failure)

    def _promote_next(self) -> None:
        with self._lock:
            while self._waiting and self._waiting[0].is_decided:
                self._waiting.popleft()
            if self._waiting:
                self._waiting[0].is_leader = True
                self._waiting[0].signal.release()
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
        """Write entries together and set their outcomes; return False if further writes would fail too."""
        commit_sent = False
        try:
            with self._database.writing(Allowance(ends_at=ends_at)) as connection:
                if lock_wait is not None:
                    limit_lock_waits(connection, lock_wait)
                units = [entry.unit for entry in batch]
                head, refusals = write_units(connection, units, self._head, self._clock)
                commit_sent = True
        except Exception as error:  # a defect in one entry must not affect the others
            # The last durable event may be unknown, so the next transaction opens a new chain.
            self._head = None
            is_outage = isinstance(error, StorageUnavailable) and not isinstance(error, _ROLLED_BACK)
            if is_outage or isinstance(error, StorageLocked):
                self._short_waits_until = monotonic() + _SHORT_WAITS_SECONDS
            if is_outage or (commit_sent and not isinstance(error, _ROLLED_BACK)):
                # The COMMIT may still take effect, so a retry could record the same events twice.
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
        """Retry after a rollback: each entry of a batch alone, and a single entry once after a deadlock."""
        if len(batch) > 1:
            lock_wait = _SINGLE_LOCK_WAIT if self._uses_short_waits() else None
            for entry in batch:
                if monotonic() >= ends_at or not self._commit([entry], ends_at, lock_wait):
                    return
        elif isinstance(error, StorageConflict) and not is_last_try:
            # The other transaction of the deadlock has finished by now.
            self._commit(batch, ends_at, None, is_last_try=True)
        else:
            self._decide(batch, [_not_recorded(error) if isinstance(error, StorageUnavailable) else error])


_NOT_RECORDED = "The portal cannot write its audit log, and issues nothing without it. Try again in a moment."


def _not_recorded(fault: Exception) -> AuditUnavailable:
    failure = AuditUnavailable(_NOT_RECORDED)
    failure.__cause__ = fault
    return failure
