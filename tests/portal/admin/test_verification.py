"""Verification of the audit log in the background: exclusive, with progress, interruptible."""

from collections.abc import Iterator
from threading import Event, Semaphore, Thread

import pytest
from sqlalchemy import update

from daypass.portal.admin.reporting.model import VerificationProgress
from daypass.portal.admin.reporting.store.verifications import LEASE
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Outcome
from daypass.portal.audit.event import Event as AuditEvent
from daypass.portal.storage.database_clock import database_time
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events, audit_verifications
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import FakeClock

EVENTS = 1200


@pytest.fixture
def recorded(database: Database) -> Iterator[Database]:
    """A database with some audit events."""
    committer = Committer(database, FakeClock())
    event = AuditEvent(
        action="test.happen", actor=Actor("u1", "dana", "r"), outcome=Outcome.DONE, subject="x"
    )
    committer.commit_unit(UnitOfWork((), [event] * (EVENTS - 1)))
    yield database
    committer.close()


class Rest:
    """Blocks a verification after each batch until it is released."""

    def __init__(self) -> None:
        self.reached = Semaphore(0)
        self.may_go_on = Event()

    def __call__(self, _seconds: float) -> bool:
        """Wait, and return False: the verification continues."""
        self.reached.release()
        assert self.may_go_on.wait(60)
        return False


def ended(verification: Verification) -> VerificationProgress:
    """Return the progress after the thread has ended."""
    for thread in verification._threads:
        thread.join()
    progress = verification.progress
    assert progress is not None
    return progress


def test_a_verification_reports_progress_and_result(recorded: Database) -> None:
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
    assert after.problems == []


def test_only_one_verification_runs_at_a_time(recorded: Database) -> None:
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


def test_every_replica_shows_the_progress_and_result(recorded: Database) -> None:
    rest = Rest()
    running, other = Verification(recorded, FakeClock(), rest), Verification(recorded, FakeClock())
    assert running.start()
    assert rest.reached.acquire(timeout=60)
    during, is_begun_twice = other.progress, other.start()
    rest.may_go_on.set()
    ended(running)
    after = other.progress

    assert during is not None
    assert (during.is_running, during.done, is_begun_twice) == (True, 500, False)
    assert after is not None
    assert (after.is_running, after.done, after.problems) == (False, EVENTS, [])


def test_a_run_whose_process_died_is_shown_as_ended_and_can_be_replaced(recorded: Database) -> None:
    rest = Rest()
    dead, other = Verification(recorded, FakeClock(), rest), Verification(recorded, FakeClock())
    dead.start()
    assert rest.reached.acquire(timeout=60)
    with recorded.writing() as connection:
        expired = database_time(connection) - LEASE
        connection.execute(update(audit_verifications).values(renewed_at=expired))
    abandoned = other.progress
    is_begun = other.start()
    after = ended(other)
    # The first run was only suspended, and must not change the result of the other.
    rest.may_go_on.set()
    ended(dead)

    assert abandoned is not None
    assert (abandoned.is_running, abandoned.problems, is_begun) == (False, None, True)
    assert "ended before it was finished" in abandoned.refusal
    assert after.problems == []
    assert other.progress == after


def test_of_replicas_that_start_concurrently_only_one_verifies(recorded: Database) -> None:
    rests = [Rest(), Rest()]
    replicas = [Verification(recorded, FakeClock(), rest) for rest in rests]
    begun: list[bool] = []
    threads = [Thread(target=lambda each=each: begun.append(each.start())) for each in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rest in rests:
        rest.may_go_on.set()
    for each in replicas:
        each.close()

    assert sorted(begun) == [False, True]


def test_a_stopping_portal_interrupts_the_verification_after_the_current_batch(recorded: Database) -> None:
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
    assert (progress.is_running, progress.problems, progress.done) == (False, None, 500)
    assert "interrupted" in progress.refusal
    assert not verification.start()


def test_a_verification_finds_a_changed_event(recorded: Database) -> None:
    with recorded.writing() as connection:
        connection.execute(update(audit_events).where(audit_events.c.position == 7).values(actor="eve"))
    verification = Verification(recorded, FakeClock())
    verification.start()
    problems = ended(verification).problems

    assert problems is not None
    assert [problem.partition(": ")[2] for problem in problems] == ["it was changed after it was written"]


def test_an_unavailable_database_ends_a_verification_with_a_reason(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    verification = Verification(database, FakeClock())
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO elsewhere")
    verification.start()
    progress = ended(verification)
    database.close()

    assert progress.problems is None
    assert "cannot be reached" in progress.refusal
