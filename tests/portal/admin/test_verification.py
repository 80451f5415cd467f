"""Verifying the audit log in the background: one at a time, with progress, and over when the portal stops."""

from collections.abc import Iterator
from threading import Event, Semaphore, Thread

import pytest
from sqlalchemy import update

from daypass.portal.admin.verification import Progress, Verification
from daypass.portal.audit.log import AuditLog
from daypass.portal.audit.log import Event as AuditEvent
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import audit_events
from tests.fakes import FakeClock

EVENTS = 1200


@pytest.fixture
def recorded(database: Database) -> Iterator[Database]:
    """A database with some events on record."""
    log = AuditLog(database, FakeClock())
    event = AuditEvent("test.happen", "u1", "dana", None, "x", "done", {}, "r")
    log.commit_all([(event, ())] * (EVENTS - 1))
    yield database
    log.close()


class Rest:
    """Holds a verification after each batch until it is let on."""

    def __init__(self) -> None:
        self.reached = Semaphore(0)
        self.may_go_on = Event()

    def __call__(self, _seconds: float) -> bool:
        """Wait; the answer is that there is no reason to stop."""
        self.reached.release()
        assert self.may_go_on.wait(60)
        return False


def ended(verification: Verification) -> Progress:
    """The progress once the thread is over."""
    assert verification._thread is not None
    verification._thread.join()
    assert verification.progress is not None
    return verification.progress


def test_it_tells_how_far_it_is_and_what_came_of_it(recorded: Database) -> None:
    rest = Rest()
    verification = Verification(recorded, FakeClock(), rest)
    before = verification.progress
    assert verification.start()
    assert rest.reached.acquire(timeout=60)
    during = verification.progress
    rest.may_go_on.set()
    after = ended(verification)

    assert before is None
    assert during is not None
    assert (during.is_running, during.done, during.total, during.percent) == (True, 500, EVENTS, 41)
    assert (after.is_running, after.done, after.refusal) == (False, EVENTS, "")
    assert after.report is not None
    assert after.report.is_intact


def test_there_is_one_at_a_time_and_another_after_it(recorded: Database) -> None:
    rest = Rest()
    verification = Verification(recorded, FakeClock(), rest)
    begun = [verification.start()]
    assert rest.reached.acquire(timeout=60)
    begun += [verification.start() for _ in range(5)]
    rest.may_go_on.set()
    ended(verification)
    begun.append(verification.start())
    ended(verification)

    assert begun == [True, *[False] * 5, True]


def test_a_portal_that_stops_interrupts_it_and_waits_for_no_more_than_a_batch(recorded: Database) -> None:
    verification = Verification(recorded, FakeClock())
    reached, rest = Semaphore(0), verification._stop.wait

    def wait_for_the_end(_seconds: float) -> bool:
        reached.release()
        return rest(60)

    verification.rest = wait_for_the_end
    verification.start()
    assert reached.acquire(timeout=60)

    stopping = Thread(target=verification.close)
    stopping.start()
    stopping.join(30)
    progress = verification.progress

    assert not stopping.is_alive()
    assert progress is not None
    assert (progress.is_running, progress.report, progress.done) == (False, None, 500)
    assert "interrupted" in progress.refusal
    assert not verification.start()


def test_what_was_changed_is_found(recorded: Database) -> None:
    with recorded.writing() as connection:
        connection.execute(update(audit_events).where(audit_events.c.position == 7).values(actor="eve"))
    verification = Verification(recorded, FakeClock())
    verification.start()
    report = ended(verification).report

    assert report is not None
    assert [problem.partition(": ")[2] for problem in report.problems] == [
        "it was changed after it was written"
    ]


def test_a_database_that_is_away_is_a_result_too(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    verification = Verification(database, FakeClock())
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO elsewhere")
    verification.start()
    progress = ended(verification)
    database.close()

    assert progress.report is None
    assert "cannot be reached" in progress.refusal
