"""Abandoned attempts are settled, and a process that was only slow releases nothing afterwards."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from daypass.portal.access.abandoned_attempts import ABANDONED_AFTER, AbandonedAttempts
from daypass.portal.access.model import IssuanceRecord
from daypass.portal.access.store.issuances import set_unknown_outcome
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.verify import verify
from daypass.portal.clock import utc_now
from daypass.portal.errors import AuditUnavailable
from daypass.portal.storage.database_clock import database_time
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from tests.portal.access.conftest import DANA, DEV, Rig, build

A_MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """Ends a request without any clean-up, as `kill -9` would."""


def settler(rig: Rig) -> AbandonedAttempts:
    return AbandonedAttempts(rig.database, rig.committer)


def abandon(rig: Rig, asked_at: datetime) -> None:
    """Leave an attempt behind whose process was killed during the AWS call."""
    rig.clock.now, rig.broker.assume_error = asked_at, Killed()
    with pytest.raises(Killed):
        rig.issue(DANA, "dev01")
    rig.broker.assume_error = None


def is_intact(rig: Rig) -> bool:
    with rig.database.snapshot() as connection:
        return verify(connection).is_intact


def test_the_database_clock_returns_utc(rig: Rig) -> None:
    with rig.database.reading() as connection:
        assert abs(database_time(connection) - utc_now()) < A_MINUTE


def test_only_attempts_older_than_the_longest_attempt_are_settled(rig: Rig) -> None:
    abandon(rig, utc_now() - ABANDONED_AFTER - A_MINUTE)
    abandon(rig, utc_now() - ABANDONED_AFTER + A_MINUTE)

    assert settler(rig).settle(settler(rig).find()) == 1
    assert settler(rig).settle(settler(rig).find()) == 0

    assert rig.states() == ["unknown", "requested"]
    assert rig.outcomes() == ["requested", "requested", "unknown"]
    assert is_intact(rig)


def test_an_attempts_age_depends_on_the_database_clock_only(rig: Rig) -> None:
    abandon(rig, utc_now())
    rig.clock.now += timedelta(days=1)

    assert settler(rig).find() == []


def test_a_settled_attempt_has_an_unknown_outcome_in_its_row_and_in_the_audit_log(rig: Rig) -> None:
    abandon(rig, utc_now() - timedelta(hours=1))

    settler(rig).settle(settler(rig).find())

    (row,) = rig.rows()
    with rig.database.reading() as connection:
        event = connection.execute(select(audit_events).where(audit_events.c.outcome == "unknown")).one()
    assert (row["state"], row["failure"], row["expires_at"]) == ("unknown", "outcome_unknown", None)
    assert (event.action, event.subject, event.actor) == ("session.issue", row["id"], "daypass")
    assert (event.tenant_id, DANA.username in event.detail) == (DEV.id, True)


def test_a_late_process_gets_no_credentials_for_a_settled_attempt(rig: Rig) -> None:
    rig.clock.now = utc_now() - timedelta(hours=1)
    rig.broker.during_assume = lambda: settled.append(settler(rig).settle(settler(rig).find()))
    settled: list[int] = []

    with pytest.raises(AuditUnavailable, match="with an unknown outcome"):
        rig.issue(DANA, "dev01")

    assert settled == [1]
    assert rig.states() == ["unknown"]
    assert rig.outcomes() == ["requested", "unknown"]


def test_a_late_failure_does_not_change_a_settled_attempt(rig: Rig) -> None:
    rig.clock.now = utc_now() - timedelta(hours=1)
    rig.broker.during_assume = lambda: settled.append(settler(rig).settle(settler(rig).find()))
    rig.broker.assume_error = ZeroDivisionError()
    settled: list[int] = []

    with pytest.raises(ZeroDivisionError):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["unknown"]
    assert rig.outcomes() == ["requested", "unknown"]


def test_an_attempt_with_an_outcome_is_not_settled(rig: Rig) -> None:
    rig.clock.now = utc_now() - timedelta(hours=1)
    found: list[IssuanceRecord] = []
    rig.broker.during_assume = lambda: found.extend(settler(rig).find())

    rig.issue(DANA, "dev01")

    assert len(found) == 1
    assert settler(rig).settle(found) == 0
    assert rig.states() == ["issued"]
    assert rig.outcomes() == ["requested", "issued"]


def test_settling_wins_over_an_outcome_that_waits_for_the_row_lock(rig: Rig) -> None:
    rig.clock.now = utc_now() - timedelta(hours=1)
    is_asking, may_answer = threading.Event(), threading.Event()
    refusals: list[AuditUnavailable] = []

    def ask() -> None:
        is_asking.set()
        may_answer.wait()

    def issue() -> None:
        try:
            rig.issue(DANA, "dev01")
        except AuditUnavailable as refusal:
            refusals.append(refusal)

    rig.broker.during_assume = ask
    late = threading.Thread(target=issue)
    late.start()
    is_asking.wait()
    (row,) = rig.rows()
    with rig.database.writing() as connection:
        set_unknown_outcome(row["id"], "outcome_unknown").apply(connection)
        # From here on the outcome may wait for the row lock of this transaction.
        may_answer.set()
    late.join()

    assert len(refusals) == 1
    assert rig.states() == ["unknown"]


def test_replicas_that_settle_concurrently_record_each_attempt_once(rig: Rig) -> None:
    for _ in range(5):
        abandon(rig, utc_now() - timedelta(hours=1))
    replicas = [Committer(rig.database, rig.clock) for _ in range(3)]
    settlers = [AbandonedAttempts(rig.database, committer) for committer in replicas]
    found = [each.find() for each in settlers]
    settled: list[int] = []

    threads = [
        threading.Thread(target=lambda each=each, attempts=attempts: settled.append(each.settle(attempts)))
        for each, attempts in zip(settlers, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(settled) == 5
    assert rig.states() == ["unknown"] * 5
    assert rig.outcomes().count("unknown") == 5
    assert is_intact(rig)


def test_attempts_of_an_earlier_process_are_settled_at_start(rig: Rig) -> None:
    abandon(rig, utc_now() - timedelta(hours=1))

    assert settler(rig).settle_some() == 1

    assert rig.states() == ["unknown"]


def test_a_locked_attempt_does_not_delay_settling_the_others(postgres_url: str) -> None:
    database = Database(postgres_url)
    for rig in build(database):
        for hours in (2, 1):
            abandon(rig, utc_now() - timedelta(hours=hours))
        first = rig.rows()[0]["id"]
        with database.writing() as other:
            other.execute(update(issuances).where(issuances.c.id == first).values(failure="in doubt"))
            settled = [settler(rig).settle_some()]
        settled.append(settler(rig).settle_some())

        assert settled == [1, 1]
        assert rig.states() == ["unknown", "unknown"]
    database.close()


def test_close_ends_the_background_thread(rig: Rig) -> None:
    job = settler(rig)

    job.start()
    job.close()

    assert "abandoned-attempts" not in {thread.name for thread in threading.enumerate()}
