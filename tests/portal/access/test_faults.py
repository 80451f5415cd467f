"""Whatever fails, and wherever: no credential leaves without a durable outcome row."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from threading import Thread

import pytest

from daypass.portal.access.model import Ask, Issuance, Purpose, TenantScope
from daypass.portal.audit.log import AuditLog, Event, RowChange
from daypass.portal.errors import AuditUnavailable, AwsTrustRefused, AwsUnavailable, PortalError
from daypass.portal.storage.engine import Connection, Database
from tests.portal.access.conftest import DANA, Rig, build

Check = Callable[[Connection], PortalError | None]


@pytest.fixture
def rig(sqlite_url: str) -> Iterator[Rig]:
    """A fresh world on SQLite alone: what fails here fails above the database."""
    database = Database(sqlite_url)
    yield from build(database)
    database.close()


class Death(BaseException):
    """The process ends here: nothing after this line of it runs."""


class Fault(Enum):
    """What becomes of a commit."""

    REFUSED = "the record could not be made"
    UNKNOWN = "the record was made, and the answer was lost"
    DEAD_BEFORE = "the process died before the record was made"
    DEAD_AFTER = "the process died after the record was made"


@dataclass(slots=True)
class FailingAudit(AuditLog):
    """The real log, until the commit with the number in `faults`."""

    real: AuditLog
    faults: dict[int, Fault]
    commits: int = field(default=0, init=False)

    def commit(
        self, event: Event, *writes: RowChange, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """Commit, or fail as told."""
        self.commits += 1
        fault = self.faults.get(self.commits)
        if fault is Fault.REFUSED:
            raise AuditUnavailable("The portal cannot write its record now.")
        if fault is Fault.DEAD_BEFORE:
            raise Death
        self.real.commit(event, *writes, precondition=precondition, is_change=is_change)
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
def test_no_credential_leaves_without_a_durable_outcome(
    rig: Rig,
    assume: BaseException | None,
    console: BaseException | None,
    faults: dict[int, Fault],
    plain: bool,
) -> None:
    rig.broker.assume_error, rig.broker.console_error = assume, console
    rig.broker.refuses_attribution = plain
    rig.issuer = rig.issuer_with(FailingAudit(rig.audit, faults))

    released: Issuance | None = None
    try:
        released = rig.issue(DANA, Ask(TenantScope("dev01"), purpose=Purpose.BOTH))
    except (Exception, Death) as error:
        assert "canary" not in repr(error)

    rows = rig.rows()
    if released is not None:
        [row] = rows
        assert row["state"] == "issued"
        assert row["access_key_id"] == released.credentials.access_key_id
        assert rig.outcomes() == ["requested", "issued"]
    if rig.broker.assumed:
        assert len(rows) == 1, "AWS was asked without an intent on record"


def test_a_failure_that_cannot_be_recorded_leaves_the_intent(rig: Rig) -> None:
    rig.broker.assume_error = AwsUnavailable("Away.")
    rig.issuer = rig.issuer_with(FailingAudit(rig.audit, {2: Fault.REFUSED}))

    with pytest.raises(AwsUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["requested"]


def test_an_outcome_that_cannot_be_recorded_is_a_failure(rig: Rig) -> None:
    rig.issuer = rig.issuer_with(FailingAudit(rig.audit, {2: Fault.REFUSED}))

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["failed"]
    assert rig.rows()[0]["failure"] == "audit_unavailable"


def test_a_dead_audit_log_releases_nothing_and_asks_nothing(rig: Rig) -> None:
    with rig.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE audit_events")

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.broker.assumed == []
    assert rig.rows() == []


def test_a_log_that_dies_while_aws_is_asked_releases_nothing(rig: Rig) -> None:
    def drop() -> None:
        with rig.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO gone")

    rig.broker.meanwhile = drop

    with pytest.raises(AuditUnavailable):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["requested"]


def test_what_is_withdrawn_before_the_outcome_commits_is_never_released(rig: Rig) -> None:
    """Many callers and one withdrawal: after it has committed, no outcome does."""

    def ask() -> None:
        with suppress(PortalError):
            for _ in range(100):
                rig.issue(DANA, "dev01")

    callers = [Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    while len(rig.broker.given) < 20:
        callers[0].join(0.001)
    rig.disable(DANA)
    issued_by_then = rig.states().count("issued")
    for caller in callers:
        caller.join()

    assert rig.states().count("issued") == issued_by_then
