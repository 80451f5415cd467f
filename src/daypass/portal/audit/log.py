"""The audit log: durable before it answers, with one commit for many requests."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.base import Executable

from daypass.portal.audit.chain import Event, Head, link, open_chain
from daypass.portal.audit.store import APPEND, read_heads
from daypass.portal.clock import Clock
from daypass.portal.errors import AuditUnavailable, Overloaded, PortalError, StorageUnavailable
from daypass.portal.storage.engine import Database, StorageConflict
from daypass.portal.storage.prepared import Prepared, run
from daypass.portal.storage.turns import hold_off_changes, take_turn

__all__ = ["AuditLog", "Check", "Event", "Record", "Write"]

_LONGEST_BATCH = 128
_LONGEST_QUEUE = 2000
_LONGEST_WAIT = timedelta(seconds=8)
"""A caller who waited longer is told that nothing was recorded, and drops what it holds."""

Check = Callable[[Connection], PortalError | None]
_Writes = dict[Executable | Prepared, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Write:
    """One row's change that belongs to an event.

    `statement` is one object for all its uses, so that the rows of many requests go out together.
    """

    statement: Executable | Prepared
    parameters: Mapping[str, Any]

    def apply(self, connection: Connection) -> None:
        """Change the row, in a transaction of the caller's own."""
        run(connection, self.statement, [self.parameters])


Record = tuple[Event, Sequence[Write]]
"""An event, and the rows that belong to it."""


def _held_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Entry:
    """Events on their way, and how their commit came out."""

    records: Sequence[Record]
    still_valid: Check | None
    is_change: bool
    # A bare lock, held until there is news: an Event costs several of them.
    news: threading.Lock = field(default_factory=_held_lock)
    leads: bool = False
    """Whether its thread is to write for all who wait; else the news is that it is written."""
    is_abandoned: bool = False
    failure: Exception | None = None


class AuditLog:
    """Appends events, each with the rows that belong to it, in one transaction.

    One thread at a time leads: it writes what all have queued, in one commit, so that they share one disk
    flush, and hands the lead on to the first of those who came meanwhile.
    """

    def __init__(self, database: Database, clock: Clock, patience: timedelta = _LONGEST_WAIT) -> None:
        self._database = database
        self._clock = clock
        self._patience = patience.total_seconds()
        self._head: Head | None = None
        # What follows changes under this lock alone, but for a number that may be a little out of date.
        self._lock = threading.Condition(threading.Lock())
        self._waiting: deque[_Entry] = deque()
        self._is_led = False

    def commit(
        self, event: Event, *writes: Write, still_valid: Check | None = None, is_change: bool = False
    ) -> None:
        """Return when the event and its rows are durable.

        `still_valid` runs inside the same transaction, after everything that has committed before: the
        refusal it answers is raised, and nothing of this commit is written. On no replica does an
        administrative change (`is_change`) commit between another's check and its commit. Raises
        `AuditUnavailable` when the record could not be made, and `Overloaded` when too much is waiting.
        """
        self.commit_all(((event, writes),), still_valid=still_valid, is_change=is_change)

    def commit_all(
        self, records: Sequence[Record], *, still_valid: Check | None = None, is_change: bool = False
    ) -> None:
        """The same for several events: one check for all of them, and either all are durable or none.

        Rows of one statement are written together, where the first of them is.
        """
        if len(self._waiting) >= _LONGEST_QUEUE:
            raise Overloaded("The portal has more to do than it can record. Try again in a moment.")
        entry = _Entry(records, still_valid, is_change)
        with self._lock:
            self._waiting.append(entry)
            entry.leads, self._is_led = not self._is_led, True
        if not entry.leads and not entry.news.acquire(timeout=self._patience):
            self._abandon(entry)
        if entry.leads:
            self._lead(entry)
        if entry.failure is not None:
            raise entry.failure

    def close(self) -> None:
        """Return when nobody writes any more."""
        with self._lock:
            self._lock.wait_for(lambda: not self._is_led)

    def _abandon(self, entry: _Entry) -> None:
        """Give up on an entry that waited too long, unless it was made the leader just now."""
        with self._lock:
            if not entry.leads:
                entry.is_abandoned = True
                raise AuditUnavailable(_NOT_RECORDED)

    def _lead(self, own: _Entry) -> None:
        """Write a batch, the first of which is one's own."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LONGEST_BATCH))]
        try:
            self._commit(batch)
        except BaseException:
            # This thread was interrupted, and what is written is not known: nobody may take it for written.
            self._head = None
            for entry in batch:
                entry.failure = AuditUnavailable(_NOT_RECORDED)
            raise
        finally:
            self._hand_on()
            for entry in batch:
                if entry is not own:
                    entry.news.release()

    def _hand_on(self) -> None:
        with self._lock:
            while self._waiting and self._waiting[0].is_abandoned:
                self._waiting.popleft()
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].news.release()
            else:
                self._is_led = False
                self._lock.notify_all()

    def _commit(self, batch: Sequence[_Entry], *, is_last_try: bool = False) -> None:
        try:
            with self._database.writing() as connection:
                head = self._append(connection, batch)
            self._head = head
        except Exception as error:  # the others have to outlive whatever one entry brings along
            # It may not be known what of it was written, so the chain goes on as a new one.
            self._head = None
            if len(batch) > 1 and not _is_outage(error):
                for entry in batch:
                    self._commit([entry])
                return
            if isinstance(error, StorageConflict) and not is_last_try:
                # Nothing of it was written, and the one that it gave way to is through by now.
                self._commit(batch, is_last_try=True)
                return
            for entry in batch:
                entry.failure = _not_recorded(error) if isinstance(error, StorageUnavailable) else error

    def _append(self, connection: Connection, batch: Sequence[_Entry]) -> Head | None:
        # First of all: whoever waited for a turn with rows locked could be waited for in turn.
        if any(entry.is_change for entry in batch):
            take_turn(connection)
        elif any(entry.still_valid is not None for entry in batch):
            hold_off_changes(connection)
        head, rows = self._head, []
        pending: _Writes = {}
        for entry in batch:
            entry.failure = None
            if entry.is_abandoned:
                continue
            if entry.still_valid is not None:
                # A check sees all that came before it, also what shares its transaction.
                pending = _apply(connection, pending)
                entry.failure = entry.still_valid(connection)
                if entry.failure is not None:
                    continue
            if head is None:
                head, row = open_chain(read_heads(connection), self._clock())
                rows.append(row)
            for event, writes in entry.records:
                head, row = link(head, event, self._clock())
                rows.append(row)
                _gather(pending, writes)
        _apply(connection, pending)
        if rows:
            APPEND.run(connection, rows)
        return head


_NOT_RECORDED = (
    "The portal cannot write its record now, and hands out nothing without one. Try again in a moment."
)


def _is_outage(error: Exception) -> bool:
    """Whether the whole batch fails for it, and each entry alone would again."""
    return isinstance(error, StorageUnavailable) and not isinstance(error, StorageConflict)


def _not_recorded(fault: StorageUnavailable) -> AuditUnavailable:
    failure = AuditUnavailable(_NOT_RECORDED)
    failure.__cause__ = fault
    return failure


def _gather(pending: _Writes, writes: Sequence[Write]) -> None:
    for write in writes:
        pending.setdefault(write.statement, []).append(write.parameters)


def _apply(connection: Connection, pending: _Writes) -> _Writes:
    for statement, parameters in pending.items():
        run(connection, statement, parameters)
    return {}
