"""How an administrative change is made: by an Administrator, one at a time, on record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.access.store import FactStore
from daypass.portal.admin.model import Version
from daypass.portal.admin.reauthentication import ACTIONS, Proof
from daypass.portal.audit.chain import Scalar
from daypass.portal.audit.log import AuditLog, Check, Event, Record, RowChange
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AccessDenied,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    Unauthenticated,
)
from daypass.portal.identity.authentication import Actor
from daypass.portal.identity.scopes import require_admin_scope
from daypass.portal.storage.engine import Connection, Database

Author = Caller | Actor
"""Who makes a change: a caller, who must be an Administrator, or the operator on the portal's machine."""

_TRIES = 5
_ON_RECORD = (AccessDenied, ReauthenticationRequired, LastAdministrator)


@dataclass(frozen=True, slots=True)
class Change:
    """A change that may be made, as things stand: its rows, and what is told of them on record."""

    writes: tuple[RowChange, ...]
    before: Mapping[str, Scalar] = field(default_factory=dict)
    after: Mapping[str, Scalar] = field(default_factory=dict)
    tenant_id: str | None = None
    proof: Proof = Proof.NONE
    """The reauthentication that it needs, by the rules of `proofs`."""


Draft = Callable[[Connection], Change | None]
"""Reads how things stand and answers the change; None where there is nothing to do. Raises the refusal."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One of several changes that are made together, as it goes on record."""

    action: str
    subject: str
    change: Change

    def __post_init__(self) -> None:
        """Refuse an action for which nobody decided whether it needs reauthentication."""
        if self.action not in ACTIONS:
            raise LookupError(f"{self.action} is not in the table of administrative actions")


ChangePlanner = Callable[[Connection], Sequence[PlannedChange]]
"""The same for several changes at once."""


def noop() -> None:
    """What follows a change where IAM is out of reach."""


@dataclass(frozen=True, slots=True)
class ChangeExecutor:
    """Where every administrative change is made."""

    database: Database
    audit: AuditLog
    clock: Clock

    def execute(self, action: str, subject: str, by: Author, draft: Draft) -> bool:
        """Make the change that *draft* answers, durably and on record; says whether there was one to make.

        The draft is made once to know what goes on record, and again inside the transaction, where no other
        change can come between: the two are the same, or all begins anew.
        """
        return bool(self.execute_all(action, subject, by, _alone(action, subject, draft)))

    def execute_all(
        self, action: str, subject: str, by: Author, draft: ChangePlanner, *also: RowChange
    ) -> Sequence[PlannedChange]:
        """Make several changes in the same way, or none of them; *also* are rows that go with them.

        Each goes on record for itself; a refusal does for all of them, as *action* on *subject*.
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
        raise PreconditionFailed(f"“{subject}” is being changed by others all the time. Try again.")

    def review(self, action: str, subject: str, by: Author, draft: Draft) -> Change | None:
        """The change that would be made as things stand; raises the refusal that it would meet."""
        steps = self._review(action, subject, by, _alone(action, subject, draft))
        return steps[0].change if steps else None

    def check(self, action: str, by: Author, draft: Draft) -> Check:
        """What runs inside the transaction of a change: it may still be made."""
        return self._is_unchanged(by, _alone(action, "", draft), None)

    def _review(self, action: str, subject: str, by: Author, draft: ChangePlanner) -> Sequence[PlannedChange]:
        with self._refusals(action, subject, by), self.database.reading() as connection:
            self._check(connection, by, ())
            steps = draft(connection)
            self._check(connection, by, steps)
        return steps

    @contextmanager
    def _refusals(self, action: str, subject: str, by: Author) -> Iterator[None]:
        """Whoever tries what they may not is on record for it."""
        try:
            yield
        except _ON_RECORD as refusal:
            self.audit.commit_refusal(_event(action, subject, by, None, "denied", {"code": refusal.code}))
            raise

    def _is_unchanged(self, by: Author, draft: ChangePlanner, steps: Sequence[PlannedChange] | None) -> Check:
        """Looks once more: these steps may still be made, and are still the same."""

        def still_so(connection: Connection) -> PortalError | None:
            try:
                again = draft(connection)
                self._check(connection, by, again)
            except PortalError as refusal:
                return refusal
            return None if steps is None or again == steps else _StaleChange("Somebody else was faster.")

        return still_so

    def _commit(
        self, by: Author, draft: ChangePlanner, steps: Sequence[PlannedChange], also: Sequence[RowChange]
    ) -> None:
        records = [_record(step, by) for step in steps]
        last, writes = records.pop()
        records.append((last, [*writes, *also]))
        self.audit.commit_all(records, precondition=self._is_unchanged(by, draft, steps), is_change=True)

    def _check(self, connection: Connection, by: Author, steps: Sequence[PlannedChange]) -> None:
        """Return when the author may make these changes; by the database as of now."""
        if isinstance(by, Actor):
            return
        facts = FactStore(connection).find(by.user.id, by.token.id, None, "")
        if facts is None or not facts.is_good:
            raise Unauthenticated("Your access to the portal was ended a moment ago.")
        if not facts.user.is_administrator:
            raise AccessDenied("This is for Administrators.")
        require_admin_scope(by.token)
        proof = max((step.change.proof for step in steps), default=Proof.NONE)
        proof.check(by.token, self.clock())


def check_version(expected: Version | None, found: Version, what: str) -> None:
    """Return when what was loaded is what is there; None takes whatever is there."""
    if expected is not None and expected != found:
        raise PreconditionFailed(f"{what} was changed by somebody else in the meantime. Load it again.")


class _StaleChange(PreconditionFailed):
    """Between the draft and its commit, somebody else changed what it rests on."""


def _alone(action: str, subject: str, draft: Draft) -> ChangePlanner:
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
    return _event(step.action, step.subject, by, change.tenant_id, "done", detail), change.writes


def _event(
    action: str, subject: str, by: Author, tenant_id: str | None, outcome: str, detail: Mapping[str, Scalar]
) -> Event:
    if isinstance(by, Actor):
        return Event(action, by.id, by.name, tenant_id, subject, outcome, detail, by.request_id)
    where = {"door": by.door.value, "address": by.address, "token_id": by.token.id}
    user = by.user
    return Event(
        action, user.id, user.username, tenant_id, subject, outcome, {**detail, **where}, by.request_id
    )


def actor_of(by: Author) -> Actor:
    """The author, for what does not ask through which door."""
    return by if isinstance(by, Actor) else Actor(by.user.id, by.user.username, by.request_id)


def author_id(by: Author) -> str:
    """What a row keeps of who wrote it."""
    if isinstance(by, Actor):
        return by.id or by.name
    return by.user.id


def moment(at: datetime | None) -> str | None:
    """A moment as it goes on record."""
    return None if at is None else at.isoformat()
