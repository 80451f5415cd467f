"""Group commit: callers return once their unit of work is durable, and share transactions."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Generic, TypeVar

from sqlalchemy.exc import IntegrityError

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.advisory_lock import limit_lock_waits
from daypass.portal.storage.engine import Allowance, Database, StorageConflict, StorageLocked
from daypass.portal.storage.unit_of_work import Participant, UnitOfWork, write_units
from daypass.portal.telemetry.metrics import COMMIT_BATCH, COMMIT_SECONDS

R = TypeVar("R")

MAX_QUEUE = 2000
"""The number of waiting units of work at which a further commit fails at once."""

MAX_WAIT = timedelta(seconds=8)
"""The longest time that a caller waits to become leader, or for another thread to commit its unit.

After that the commit fails. The time in which a leader writes its own batch is not included.
"""

LONGEST_COMMIT = 2 * MAX_WAIT + timedelta(seconds=10)
"""The longest time that a commit takes, as a sum.

It is `MAX_WAIT` until the caller is the leader, `MAX_WAIT` for its batch (which ends after the shorter
`Database.longest_answer`), and ten seconds to get a connection.
"""

_MAX_BATCH = 128

# A stopped backend or a vanished client keeps its locks. After a fault that may have such a cause, lock waits
# are short for a while, so that the wait for one lock does not take the time of the whole batch.
_SHORT_WAITS_SECONDS = 30.0
_BATCH_LOCK_WAIT = timedelta(milliseconds=500)
_SINGLE_LOCK_WAIT = timedelta(milliseconds=100)

_ROLLED_BACK = (StorageConflict, StorageLocked, IntegrityError)
"""Errors after which nothing of the transaction is durable, even if COMMIT raised them."""


class CommitNotConfirmed(Exception):
    """The unit of work was not committed, or it is not known in time whether it was."""


class QueueFull(Exception):
    """So many units of work are waiting that another one would not be committed in time."""


def _acquired_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Entry(Generic[R]):
    """A queued unit of work and the outcome of its commit.

    The outcome is set once, under the queue's lock: by the waiting thread when it times out, or by the
    leader. Later outcomes are ignored.
    """

    unit: UnitOfWork[R]
    # The lock is acquired at the start, and its release is the signal. A `threading.Event` does the same with
    # several locks, which costs more.
    signal: threading.Lock = field(default_factory=_acquired_lock)
    is_leader: bool = False
    """Whether the waiting thread is to become the leader; if not, the signal means that it is done."""
    is_decided: bool = False
    failure: Exception | None = None

    def decide(self, failure: Exception | None) -> None:
        """Set the outcome unless it is set already; the caller must hold the queue's lock."""
        if not self.is_decided:
            self.is_decided, self.failure = True, failure


class GroupCommit(Generic[R]):
    """Commits units of work of many threads in shared transactions, which cost one disk flush each.

    One thread at a time is the leader: it writes up to 128 queued units in a single transaction, with the
    records of the participants. Then it promotes the thread of the next queued unit. There are no threads
    besides those of the callers.
    """

    def __init__(
        self,
        database: Database,
        participants: Sequence[Participant[R]] = (),
        timeout: timedelta = MAX_WAIT,
        *,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        self._database = database
        self._participants = participants
        self._timeout = timeout.total_seconds()
        self._max_queue = max_queue
        # Only the leader uses this attribute, so it needs no lock.
        self._short_waits_until = 0.0
        # The lock protects the attributes below. Only the queue's length is also read without it.
        self._lock = threading.Condition(threading.Lock())
        self._waiting: deque[_Entry[R]] = deque()
        self._is_led = False

    def commit(self, unit: UnitOfWork[R]) -> None:
        """Commit the unit of work; return when it is durable.

        Its precondition runs inside the same transaction and sees every earlier commit. A refusal that it
        returns is raised, as is an error in the unit itself, and the unit's changes and records are not
        written. Raises `QueueFull`, and `CommitNotConfirmed` if it failed or was not confirmed in time.
        """
        if len(self._waiting) >= self._max_queue:
            raise QueueFull
        entry = _Entry(unit)
        with self._lock:
            self._waiting.append(entry)
            entry.is_leader, self._is_led = not self._is_led, True
        if not entry.is_leader and not entry.signal.acquire(timeout=self._timeout):
            self._abandon(entry)
        if entry.is_leader:
            self._lead(entry)
        if entry.failure is not None:
            raise entry.failure

    @property
    def waiting(self) -> int:
        """The number of units of work that wait for the next transaction."""
        return len(self._waiting)

    def wait_idle(self, timeout: timedelta) -> None:
        """Wait until no thread is writing, for at most *timeout*."""
        with self._lock:
            self._lock.wait_for(lambda: not self._is_led, timeout.total_seconds())

    def _abandon(self, entry: _Entry[R]) -> None:
        """Set a timed-out entry to failed, unless it has just been made the leader."""
        with self._lock:
            if not entry.is_leader:
                entry.decide(CommitNotConfirmed())

    def _lead(self, own: _Entry[R]) -> None:
        """Write a batch that begins with the leader's own entry, then promote the next leader."""
        batch: list[_Entry[R]] = []
        began = monotonic()
        ends_at = began + self._database.longest_answer.total_seconds()
        try:
            self._commit(batch, ends_at, _BATCH_LOCK_WAIT if self._uses_short_waits() else None)
        except BaseException:
            # The thread was interrupted, perhaps after COMMIT was sent.
            self._end(is_committed=False)
            raise
        finally:
            self._fill(batch)
            # Entries without an outcome were not reached, or it is unknown whether they are durable.
            self._decide(batch, [CommitNotConfirmed() for _ in batch])
            self._promote_next()
            for entry in batch:
                if entry is not own:
                    entry.signal.release()
            COMMIT_SECONDS.observe(monotonic() - began)
            COMMIT_BATCH.observe(len(batch))

    def _fill(self, batch: list[_Entry[R]]) -> None:
        """Take the queued entries into *batch* if it is empty."""
        if not batch:
            with self._lock:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_BATCH))]
                batch += [entry for entry in taken if not entry.is_decided]

    def _uses_short_waits(self) -> bool:
        """Whether a recent fault makes it likely that a transaction holds its locks for ever."""
        return monotonic() < self._short_waits_until

    def _decide(self, batch: Sequence[_Entry[R]], failures: Sequence[Exception | None]) -> None:
        with self._lock:
            for entry, failure in zip(batch, failures, strict=True):
                entry.decide(failure)

    def _end(self, *, is_committed: bool) -> None:
        for participant in self._participants:
            participant.end(is_committed=is_committed)

    def _promote_next(self) -> None:
        with self._lock:
            # The thread of an entry that timed out in the queue waits for no signal any more.
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
        batch: list[_Entry[R]],
        ends_at: float,
        lock_wait: timedelta | None,
        *,
        is_last_try: bool = False,
    ) -> bool:
        """Write entries together and set their outcomes; return False if further writes would fail too.

        An empty batch is filled from the queue.
        """
        commit_sent = False
        try:
            with self._database.writing(Allowance(ends_at=ends_at)) as connection:
                if lock_wait is not None:
                    limit_lock_waits(connection, lock_wait)
                # Only now, so that the batch has the entries too that arrived while another process wrote.
                self._fill(batch)
                refusals = write_units(connection, [entry.unit for entry in batch], self._participants)
                commit_sent = True
        except Exception as error:  # a defect in one entry must not affect the others
            self._fill(batch)
            self._end(is_committed=False)
            is_outage = isinstance(error, StorageUnavailable) and not isinstance(error, _ROLLED_BACK)
            if is_outage or isinstance(error, StorageLocked):
                self._short_waits_until = monotonic() + _SHORT_WAITS_SECONDS
            if is_outage or (commit_sent and not isinstance(error, _ROLLED_BACK)):
                # The COMMIT may still take effect, so a retry could write the same units twice.
                self._decide(batch, [_not_committed(error) for _ in batch])
                return False
            self._recover(batch, ends_at, error, is_last_try=is_last_try)
            return True
        self._end(is_committed=True)
        self._decide(batch, refusals)
        return True

    def _recover(
        self, batch: list[_Entry[R]], ends_at: float, error: Exception, *, is_last_try: bool
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
            failure = _not_committed(error) if isinstance(error, StorageUnavailable) else error
            self._decide(batch, [failure])


def _not_committed(fault: Exception) -> CommitNotConfirmed:
    failure = CommitNotConfirmed()
    failure.__cause__ = fault
    return failure
