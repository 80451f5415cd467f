"""Fault injection at every step: no credentials are released without a durable outcome row."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from threading import Thread

import pytest

from daypass.portal.access.model import IssuedSession, Purpose, SessionRequest
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event
from daypass.portal.errors import AuditUnavailable, AwsTrustRefused, AwsUnavailable, PortalError
from daypass.portal.identity.scopes import Scope
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import Precondition, RowChange
from tests.portal.access.conftest import DANA, Rig, build

Check = Callable[[Connection], PortalError | None]


@pytest.fixture
def rig(sqlite_url: str) -> Iterator[Rig]:
    """A rig on SQLite only, because the faults are injected above the database."""
    database = Database(sqlite_url)
    yield from build(database)
    database.close()


class Death(BaseException):
    """The death of the process: no code of the request handles it."""


class Fault(Enum):
    """The kinds of faults of a commit."""

    REFUSED = "the commit failed"
    UNKNOWN = "the commit succeeded, but its confirmation was lost"
    DEAD_BEFORE = "the process died before the commit"
    DEAD_AFTER = "the process died after the commit"


@dataclass(slots=True)
class FailingCommitter(Committer):
    """The real units of work, except that the commits whose numbers are in `faults` fail."""

    real: Committer
    faults: dict[int, Fault]
    commits: int = field(default=0, init=False)

    def commit(self, event: Event, *changes: RowChange, precondition: Precondition | None = None) -> None:
        """Commit, or fail with the fault of this commit's number."""
        self.commits += 1
        fault = self.faults.get(self.commits)
        if fault is Fault.REFUSED:
            raise AuditUnavailable("The portal cannot write its record now.")
        if fault is Fault.DEAD_BEFORE:
            raise Death
        self.real.commit(event, *changes, precondition=precondition)
        if fault is Fault.UNKNOWN:
            raise AuditUnavailable("The portal cannot write its record now.")
        if fault is Fault.DEAD_AFTER:
            raise Death


COMMITS = ({}, *({number: fault} for number in (1, 2, 3) for fault in Fault))
CONSOLE_ERRORS = (None, AwsUnavailable("Away."), RuntimeError("a bug"), Death())
ASSUME_ERRORS = (*CONSOLE_ERRORS[1:], AwsTrustRefused("No."))
CASES = [
    *product([None], CONSOLE_ERRORS, COMMITS, (False, True)),
    *product(ASSUME_ERRORS, [None], COMMITS, [False]),
]


@pytest.mark.parametrize(("assume", "console", "faults", "plain"), CASES)
def test_no_credentials_are_released_without_a_durable_outcome(
    rig: Rig,
    assume: BaseException | None,
    console: BaseException | None,
    faults: dict[int, Fault],
    plain: bool,
) -> None:
    rig.broker.assume_error, rig.broker.console_error = assume, console
    rig.broker.refuses_attribution = plain
    rig.issuer = rig.issuer_with(FailingCommitter(rig.committer, faults))

    released: IssuedSession | None = None
    try:
        released = rig.issue(DANA, SessionRequest(Scope.of_tenant("dev01"), purpose=Purpose.BOTH))
    except (Exception, Death) as error:
        assert "canary" not in repr(error)

    rows = rig.rows()
    if released is not None:
        [row] = rows
        assert row["state"] == "issued"
        assert row["access_key_id"] == released.credentials.access_key_id
        assert rig.outcomes() == ["requested", "issued"]
    if rig.broker.assumed:
        assert len(rows) == 1, "AWS was called without a recorded intent"


def test_if_a_failure_cannot_be_recorded_the_intent_stays(rig: Rig) -> None:
    rig.broker.assume_error = AwsUnavailable("Away.")
    rig.issuer = rig.issuer_with(FailingCommitter(rig.committer, {2: Fault.REFUSED}))

    with pytest.raises(AwsUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["requested"]


def test_if_success_cannot_be_recorded_the_attempt_fails(rig: Rig) -> None:
    rig.issuer = rig.issuer_with(FailingCommitter(rig.committer, {2: Fault.REFUSED}))

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["failed"]
    assert rig.rows()[0]["failure"] == "audit_unavailable"


def test_without_an_audit_log_aws_is_not_called(rig: Rig) -> None:
    with rig.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE audit_events")

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.broker.assumed == []
    assert rig.rows() == []


def test_if_the_audit_log_fails_during_the_aws_call_nothing_is_released(rig: Rig) -> None:
    def drop() -> None:
        with rig.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO gone")

    rig.broker.during_assume = drop

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["requested"]


def test_no_outcome_commits_after_the_user_was_disabled(rig: Rig) -> None:
    # Many concurrent requests and one revocation: after it has committed, no outcome commits.

    def ask() -> None:
        with suppress(PortalError):
            for _ in range(100):
                rig.issue(DANA, "dev01")

    callers = [Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    while len(rig.broker.issued_credentials) < 20:
        callers[0].join(0.001)
    rig.disable(DANA)
    issued_by_then = rig.states().count("issued")
    for caller in callers:
        caller.join()

    assert rig.states().count("issued") == issued_by_then
