"""Commits of the portal's units of work: row changes together with the audit events about them."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

from daypass.portal.audit.event import Event
from daypass.portal.audit.log import AuditLog
from daypass.portal.audit.refusal_limit import WINDOW, RefusalLimit
from daypass.portal.clock import Clock
from daypass.portal.errors import AuditUnavailable, Overloaded, PortalError
from daypass.portal.storage.engine import Database
from daypass.portal.storage.group_commit import (
    MAX_QUEUE,
    MAX_WAIT,
    CommitNotConfirmed,
    GroupCommit,
    QueueFull,
)
from daypass.portal.storage.unit_of_work import Precondition, RowChange, UnitOfWork
from daypass.portal.telemetry.error_events import FailureLog
from daypass.portal.telemetry.metrics import SUPPRESSED

_CLOSE_TIMEOUT = timedelta(seconds=10)


class Committer:
    """Commits units of work. Every write that has an audit event goes through the one instance of a process.

    The events are written in the transaction of the row changes, so neither is durable without the other.
    Above a rate, refusals with the same actor, action and code are dropped; one event then reports their
    number.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        timeout: timedelta = MAX_WAIT,
        *,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        self._clock = clock
        self._group_commit = GroupCommit[Event](database, [AuditLog(clock)], timeout, max_queue=max_queue)
        self._refusals = RefusalLimit()
        self._count_failures = FailureLog("counts of refusals")
        # The lock protects the attributes below.
        self._lock = threading.Lock()
        self._count_timer: threading.Timer | None = None
        self._is_closing = False

    def commit(self, event: Event, *changes: RowChange, precondition: Precondition | None = None) -> None:
        """Commit the event and the row changes; return when they are durable.

        Raises the same errors as `commit_unit`.
        """
        self.commit_unit(UnitOfWork(changes, (event,), precondition))

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Commit row changes and their events atomically; return when they are durable.

        The precondition runs inside the same transaction and sees every earlier commit. A refusal that it
        returns is raised, and the changes and events are not written. Raises `AuditUnavailable` if the commit
        failed or was not confirmed in time, `Overloaded` if too many units are waiting, and `RowMismatch` if
        a conditional change changes no row.
        """
        try:
            self._group_commit.commit(unit)
        except CommitNotConfirmed as error:
            raise AuditUnavailable(
                "The portal cannot write its audit log, and issues nothing without it. Try again in a moment."
            ) from error.__cause__
        except QueueFull:
            raise Overloaded(
                "The portal is overloaded and cannot write its audit log in time. Try again in a moment."
            ) from None

    def commit_rate_limited(self, event: Event, *changes: RowChange) -> None:
        """Record a refusal or an alert if it is within the rate limit; otherwise only count it.

        Raises `AuditUnavailable` and `Overloaded` like `commit`. The row changes of a counted refusal are
        dropped.
        """
        now = self._clock()
        # The order matters: removing an expired window lets `admit` start a new one.
        counts = self._refusals.take_suppression_counts(now)
        is_admitted = self._refusals.admit(event, now)
        if not is_admitted:
            SUPPRESSED.count()
            self._count_later()
        self._commit_suppression_counts(counts)
        if is_admitted:
            self.commit(event, *changes)

    def commit_without_event(self, *changes: RowChange) -> None:
        """Commit row changes without an event; return when they are durable.

        Raises the same errors as `commit_unit`.
        """
        self.commit_unit(UnitOfWork(changes))

    @property
    def waiting(self) -> int:
        """The number of units of work that wait for the next transaction."""
        return self._group_commit.waiting

    def close(self, timeout: timedelta = _CLOSE_TIMEOUT) -> None:
        """Record the counts and wait until no thread is writing, for at most *timeout*."""
        ends_at = monotonic() + timeout.total_seconds()
        with self._lock:
            self._is_closing = True
            if self._count_timer is not None:
                self._count_timer.cancel()
        if self._refusals.has_suppression_counts:
            # A daemon thread, so that a database that does not answer cannot block the process.
            last = threading.Thread(
                target=self._record_suppression_counts, args=(None,), name="refusals", daemon=True
            )
            last.start()
            last.join(timeout.total_seconds())
        self._group_commit.wait_idle(timedelta(seconds=ends_at - monotonic()))

    def _count_later(self) -> None:
        """Schedule the recording of counts for the end of the window, in case no later refusal does it."""
        with self._lock:
            if self._count_timer is None and not self._is_closing:
                wait = WINDOW.total_seconds()
                self._count_timer = threading.Timer(wait, self._record_due_suppression_counts)
                self._count_timer.name, self._count_timer.daemon = "refusals", True
                self._count_timer.start()

    def _record_due_suppression_counts(self) -> None:
        with self._lock:
            self._count_timer = None
        self._record_suppression_counts(self._clock())
        if self._refusals.has_suppression_counts:
            self._count_later()

    def _record_suppression_counts(self, now: datetime | None) -> None:
        # While the database is unavailable, counts wait for the next commit. Those left at exit are lost.
        try:
            while counts := self._refusals.take_suppression_counts(now):
                self._commit_suppression_counts(counts)
        except PortalError as error:
            self._count_failures.failed(error)
        else:
            self._count_failures.succeeded()

    def _commit_suppression_counts(self, counts: Sequence[Event]) -> None:
        """Commit counts; if that fails, keep them for a later commit.

        They are a unit of work of their own, so that a refusal whose row changes fail cannot lose them. An
        unconfirmed commit may be durable nevertheless. Then its counts are recorded twice, with the same
        actor, action, code and start.
        """
        if not counts:
            return
        try:
            self.commit_unit(UnitOfWork((), counts))
        except (AuditUnavailable, Overloaded):
            self._refusals.put_back(counts)
            self._count_later()
            raise
