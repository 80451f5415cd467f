"""Execution of administrative changes: authorized, serialized, and recorded in the audit log.

A change is planned outside the transaction to build its audit events, and planned again inside it. If the
two plans differ, all of it is retried (optimistic locking).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.access.store.authorization import AuthorizationReader
from daypass.portal.admin.model import Version
from daypass.portal.admin.reauthentication import ACTIONS, Proof
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.audit.log import AuditLog, Check, Record, RowChange
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AccessDenied,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    Unauthenticated,
)
from daypass.portal.identity.scopes import require_admin_scope
from daypass.portal.storage.engine import Connection, Database

Author = Caller | Actor
"""The author of a change: a caller, who must be an Administrator, or the operator on the portal's machine."""

_TRIES = 5
_RECORDED_REFUSALS = (AccessDenied, ReauthenticationRequired, LastAdministrator)


@dataclass(frozen=True, slots=True)
class Change:
    """A planned change: its rows, and the values before and after for the audit event."""

    writes: tuple[RowChange, ...]
    before: Mapping[str, Scalar] = field(default_factory=dict)
    after: Mapping[str, Scalar] = field(default_factory=dict)
    tenant_id: str | None = None
    proof: Proof = Proof.NONE
    """The reauthentication that the change needs, by the rules of `reauthentication`."""


Draft = Callable[[Connection], Change | None]
"""Reads the current state and returns the change, or None if there is nothing to do; raises a refusal."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One of several changes of a transaction, with the action and subject of its audit event."""

    action: str
    subject: str
    change: Change

    def __post_init__(self) -> None:
        """Refuse an action without a reauthentication rule; raises `LookupError`."""
        if self.action not in ACTIONS:
            raise LookupError(f"{self.action} is not in the table of administrative actions")


ChangePlanner = Callable[[Connection], Sequence[PlannedChange]]
"""A `Draft` of several changes."""


def noop() -> None:
    """Do nothing: the follow-up of a change in a portal that does not manage IAM roles."""


@dataclass(frozen=True, slots=True)
class ChangeExecutor:
    """Executes every administrative change."""

    database: Database
    audit: AuditLog
    clock: Clock

    def execute(self, action: str, subject: str, by: Author, draft: Draft) -> bool:
        """Plan a change by *draft* and commit it with its audit event; return False if nothing had to change.

        *draft* is called again inside the transaction, where no concurrent change is possible. Raises
        `PreconditionFailed` if its result keeps changing.
        """
        return bool(self.execute_all(action, subject, by, _single(action, subject, draft)))

    def execute_all(
        self, action: str, subject: str, by: Author, draft: ChangePlanner, *also: RowChange
    ) -> Sequence[PlannedChange]:
        """Execute several changes in one transaction, together with the rows of *also*.

        Each change has its own audit event; a refusal has one event, *action* on *subject*.
        """
        for _ in range(_TRIES):
            steps = self._review(action, subject, by, draft)
            if not steps:
                return steps
            try:
                with self._refusals(action, subject, by):
                    self._commit(by, draft, steps, also)
            except _StaleChange:
                continue
            return steps
        raise PreconditionFailed(f"“{subject}” is being changed by others at the same time. Try again.")

    def review(self, action: str, subject: str, by: Author, draft: Draft) -> Change | None:
        """Return the change that `execute` would make now, or None; raises what `execute` would raise."""
        steps = self._review(action, subject, by, _single(action, subject, draft))
        return steps[0].change if steps else None

    def check(self, action: str, by: Author, draft: Draft) -> Check:
        """Return a precondition for another transaction: the author may make the change at that time."""
        return self._is_unchanged(by, _single(action, "", draft), None)

    def _review(self, action: str, subject: str, by: Author, draft: ChangePlanner) -> Sequence[PlannedChange]:
        with self._refusals(action, subject, by), self.database.reading() as connection:
            self._check(connection, by, ())
            steps = draft(connection)
            self._check(connection, by, steps)
        return steps

    @contextmanager
    def _refusals(self, action: str, subject: str, by: Author) -> Iterator[None]:
        """Record a denied event for each attempt that is refused."""
        try:
            yield
        except _RECORDED_REFUSALS as refusal:
            self.audit.commit_refusal(
                _event(action, subject, by, None, Outcome.DENIED, {"code": refusal.code})
            )
            raise

    def _is_unchanged(self, by: Author, draft: ChangePlanner, steps: Sequence[PlannedChange] | None) -> Check:
        """Return a precondition that plans again: the plan must be allowed, and equal to *steps* if given."""

        def check(connection: Connection) -> PortalError | None:
            try:
                again = draft(connection)
                self._check(connection, by, again)
            except PortalError as refusal:
                return refusal
            return None if steps is None or again == steps else _StaleChange("The state has changed.")

        return check

    def _commit(
        self, by: Author, draft: ChangePlanner, steps: Sequence[PlannedChange], also: Sequence[RowChange]
    ) -> None:
        records = [_record(step, by) for step in steps]
        last, writes = records.pop()
        records.append((last, [*writes, *also]))
        self.audit.commit_all(records, precondition=self._is_unchanged(by, draft, steps), is_change=True)

    def _check(self, connection: Connection, by: Author, steps: Sequence[PlannedChange]) -> None:
        """Return if the author may make these changes, by the current database; raise a refusal otherwise."""
        if isinstance(by, Actor):
            return
        data = AuthorizationReader(connection).read(by.user.id, by.token.id, None, "")
        if data is None or not data.is_active:
            raise Unauthenticated("Your access to the portal was ended a moment ago.")
        if not data.user.is_administrator:
            raise AccessDenied("This is for Administrators.")
        require_admin_scope(by.token)
        proof = max((step.change.proof for step in steps), default=Proof.NONE)
        proof.check(by.token, self.clock())


def check_version(expected: Version | None, current: Version, subject: str) -> None:
    """Raise `PreconditionFailed` if a version is *expected* and *current* is another."""
    if expected is not None and expected != current:
        raise PreconditionFailed(f"{subject} was changed in the meantime. Load it again.")


class _StaleChange(PreconditionFailed):
    """A concurrent change invalidated the plan before its commit."""


def _single(action: str, subject: str, draft: Draft) -> ChangePlanner:
    def steps(connection: Connection) -> Sequence[PlannedChange]:
        change = draft(connection)
        return () if change is None else (PlannedChange(action, subject, change),)

    return steps


def _record(step: PlannedChange, by: Author) -> Record:
    change = step.change
    detail = {
        **{f"old.{key}": value for key, value in change.before.items()},
        **{f"new.{key}": value for key, value in change.after.items()},
    }
    return _event(step.action, step.subject, by, change.tenant_id, Outcome.DONE, detail), change.writes


def _event(
    action: str,
    subject: str,
    by: Author,
    tenant_id: str | None,
    outcome: Outcome,
    detail: Mapping[str, Scalar],
) -> Event:
    if not isinstance(by, Actor):
        where = {"door": by.channel.value, "address": by.address, "token_id": by.token.id}
        detail = {**detail, **where}
    return Event(
        action=action,
        actor=actor_of(by),
        outcome=outcome,
        subject=subject,
        tenant_id=tenant_id,
        detail=detail,
    )


def actor_of(by: Author) -> Actor:
    """Return the author as an `Actor`, which has no channel."""
    return by if isinstance(by, Actor) else by.actor


def author_id(by: Author) -> str:
    """Return the id that rows store for the author: the user's, or the name of the operator."""
    if isinstance(by, Actor):
        return by.id or by.name
    return by.user.id


def timestamp(at: datetime | None) -> str | None:
    """Return a time in the form of audit events."""
    return None if at is None else at.isoformat()
