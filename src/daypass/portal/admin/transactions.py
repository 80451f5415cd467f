"""Execution of administrative changes: authorized, serialized, and recorded in the audit log.

A change is planned outside the transaction to build its audit events, and planned again inside it. If the
two plans differ, all of it is retried (optimistic locking).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from daypass.portal.access.model import Caller
from daypass.portal.access.store.authorization import AuthorizationReader
from daypass.portal.admin.model import Version
from daypass.portal.admin.reauthentication import ACTIONS, Proof
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AccessDenied,
    BreakGlassProtected,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    Unauthenticated,
)
from daypass.portal.identity.scopes import ADMIN_SCOPE
from daypass.portal.identity.token_scopes import require_scope
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import Precondition, RowChange, UnitOfWork

Author = Caller | Actor
"""The author of a change: a caller, who must be an Administrator, or the operator on the portal's machine."""

_TRIES = 5
_RECORDED_REFUSALS = (AccessDenied, ReauthenticationRequired, LastAdministrator, BreakGlassProtected)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one object: its rows, and the values before and after for the audit event."""

    writes: tuple[RowChange, ...]
    before: Mapping[str, Scalar] = field(default_factory=dict)
    after: Mapping[str, Scalar] = field(default_factory=dict)
    tenant_id: str | None = None
    proof: Proof = Proof.NONE
    """The reauthentication that the change needs, by the rules of `reauthentication`."""
    outcome: Outcome = Outcome.DONE
    """The outcome of its event; an alert for a change that others should look at."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change with the action and subject of its audit event."""

    action: str
    subject: str
    change: Change

    def __post_init__(self) -> None:
        """Refuse an action without a reauthentication rule; raises `LookupError`."""
        if self.action not in ACTIONS:
            raise LookupError(f"{self.action} is not in the table of administrative actions")


Plan = Sequence[PlannedChange]
"""The changes of one transaction; empty if there is nothing to do."""

Planner = Callable[[Connection], Plan]
"""Reads the current state and returns the plan, or raises a refusal.

It runs several times, and two of its plans are compared. So it has no effect, and from the same state it
returns an equal plan: ids, times and hashes are computed before.
"""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A request for the changes of one transaction; its refusal is recorded as *action* on *subject*."""

    action: str
    subject: str
    by: Author
    planner: Planner


def single_change(
    action: str, subject: str, by: Author, planner: Callable[[Connection], Change | None]
) -> ChangeRequest:
    """Return the request for one change, or for none if *planner* returns None."""

    def plan(connection: Connection) -> Plan:
        change = planner(connection)
        return () if change is None else (PlannedChange(action, subject, change),)

    return ChangeRequest(action, subject, by, plan)


def noop() -> None:
    """Do nothing: the reconciliation of roles in a portal that does not manage IAM roles."""


@dataclass(frozen=True, slots=True)
class ChangeExecutor:
    """Executes every administrative change."""

    database: Database
    committer: Committer
    clock: Clock

    def execute(self, request: ChangeRequest, *also: RowChange) -> Plan:
        """Commit the changes of *request*, each with its event, and the rows of *also*; return the plan.

        If the plan is empty, the rows of *also* are committed alone, under the same precondition. Raises the
        refusals of `plan`, or `PreconditionFailed` if concurrent changes keep changing the plan.
        """
        for _ in range(_TRIES):
            plan = self.plan(request)
            if not plan and not also:
                return plan
            row_changes = [*chain.from_iterable(planned.change.writes for planned in plan), *also]
            events = [_change_event(planned, request.by) for planned in plan]
            # Changes wait for each other, so nothing can change between this second plan and the commit.
            unchanged = self._precondition(request, plan)
            with suppress(_StalePlan), self._recorded_refusals(request):
                self.committer.commit_unit(UnitOfWork(row_changes, events, unchanged, is_exclusive=True))
                return plan
        raise PreconditionFailed(
            f"“{request.subject}” is being changed by others at the same time. Try again."
        )

    def plan(self, request: ChangeRequest) -> Plan:
        """Return the changes that `execute` would make now; records and raises the refusals that it would."""
        with self._recorded_refusals(request), self.database.reading() as connection:
            return self._authorized_plan(connection, request)

    def precondition(self, request: ChangeRequest) -> Precondition:
        """Return a precondition for another transaction: *request* is not refused at that time."""
        return self._precondition(request, None)

    def _precondition(self, request: ChangeRequest, expected: Plan | None) -> Precondition:
        """Return a precondition: *request* is not refused, and its plan is the *expected* one, if given."""

        def check(connection: Connection) -> PortalError | None:
            try:
                plan = self._authorized_plan(connection, request)
            except PortalError as refusal:
                return refusal
            return None if expected is None or plan == expected else _StalePlan("The state has changed.")

        return check

    def _authorized_plan(self, connection: Connection, request: ChangeRequest) -> Plan:
        """Return the plan if its author may execute it, by the current state; raise a refusal otherwise."""
        # The author is checked first, so that the refusals of a plan tell a User nothing about the state.
        _check_author(connection, request.by)
        plan = request.planner(connection)
        if isinstance(request.by, Caller):
            proof = max((planned.change.proof for planned in plan), default=Proof.NONE)
            proof.check(request.by.token, self.clock())
        return plan

    @contextmanager
    def _recorded_refusals(self, request: ChangeRequest) -> Iterator[None]:
        """Record a denied event for each attempt that is refused."""
        try:
            yield
        except _RECORDED_REFUSALS as refusal:
            detail = {"code": refusal.code}
            self.committer.commit_rate_limited(
                _event(request.action, request.subject, request.by, None, Outcome.DENIED, detail)
            )
            raise


def _check_author(connection: Connection, by: Author) -> None:
    """Return if the author may make changes now, by the database; raise a refusal otherwise."""
    if isinstance(by, Actor):
        return
    # The caller was authenticated before, and the user or the token may have been ended since.
    data = AuthorizationReader(connection).read(by.user.id, by.token.id, ADMIN_SCOPE, "")
    if data is None or not data.is_active:
        raise Unauthenticated("Your access to the portal was ended a moment ago.")
    if not data.user.is_administrator:
        raise AccessDenied("This is for Administrators.")
    require_scope(by.token, ADMIN_SCOPE)


def check_version(expected: Version | None, current: Version, subject: str) -> None:
    """Raise `PreconditionFailed` if a version is *expected* and *current* is another."""
    if expected is not None and expected != current:
        raise PreconditionFailed(f"{subject} was changed in the meantime. Load it again.")


class _StalePlan(PreconditionFailed):
    """A concurrent change invalidated the plan before its commit."""


def _change_event(planned: PlannedChange, by: Author) -> Event:
    change = planned.change
    detail = {
        **{f"old.{key}": value for key, value in change.before.items()},
        **{f"new.{key}": value for key, value in change.after.items()},
    }
    return _event(planned.action, planned.subject, by, change.tenant_id, change.outcome, detail)


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
