"""The limit for records of refused requests: no refusal is neither recorded nor counted."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from daypass.portal.audit.log import AuditLog, Event
from daypass.portal.audit.refusals import RECORDED, SUPPRESSED, WINDOW, RefusalLimit
from daypass.portal.audit.verify import verify
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import audit_events
from tests.fakes import FakeClock


def refusal(actor: str, action: str = "membership.put", code: str = "access_denied") -> Event:
    return Event(action, actor, f"{actor}@example.com", None, "s", "denied", {"code": code}, "r")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log(database: Database, clock: FakeClock) -> Iterator[AuditLog]:
    opened = AuditLog(database, clock)
    yield opened
    opened.close()


def recorded(database: Database, action: str = "membership.put") -> list[tuple[str, dict[str, object]]]:
    c = audit_events.c
    with database.reading() as connection:
        rows = connection.execute(select(c.actor_id, c.detail).where(c.action == action))
        return [(actor, json.loads(detail)) for actor, detail in rows]


@given(
    refusals=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 60), st.integers(0, 90)),
        max_size=12,
    )
)
def test_what_is_recorded_and_what_is_counted_add_up(refusals: list[tuple[str, str, int, int]]) -> None:
    limit, clock = RefusalLimit(), FakeClock()
    asked = admitted = counted = 0
    for actor, action, number, seconds in refusals:
        counted += sum(int(str(one.detail["count"])) for one in limit.take_counts(clock()))
        admitted += sum(limit.admit(refusal(actor, action), clock()) for _ in range(number))
        asked += number
        clock.move(timedelta(seconds=seconds))
    counted += sum(int(str(one.detail["count"])) for one in limit.take_counts(None))

    assert admitted + counted == asked
    assert admitted >= min(asked, RECORDED)
    assert not limit.has_counts
    assert limit.take_counts(None) == []


def test_a_clock_that_is_set_back_ends_a_window() -> None:
    limit, clock = RefusalLimit(), FakeClock()
    for _ in range(RECORDED + 1):
        limit.admit(refusal("a", "x"), clock())
    clock.move(-timedelta(hours=1))

    assert [event.detail["count"] for event in limit.take_counts(clock())] == [1]
    assert limit.admit(refusal("a", "x"), clock())


def test_a_crowd_of_refusals_is_counted_to_the_last_one(
    log: AuditLog, database: Database, clock: FakeClock
) -> None:
    def refuse() -> None:
        for _ in range(25):
            log.commit_refusal(refusal("a", "user.create"))

    crowd = [threading.Thread(target=refuse) for _ in range(8)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    clock.move(WINDOW)
    log.commit_refusal(refusal("b", "user.create"))

    assert [actor for actor, _ in recorded(database, "user.create")].count("a") == RECORDED
    ((actor, detail),) = recorded(database, SUPPRESSED)
    assert (actor, detail["count"], detail["code"]) == ("a", 200 - RECORDED, "access_denied")
    with database.snapshot() as connection:
        assert verify(connection).is_intact


def timers(log: AuditLog) -> list[threading.Timer]:
    """The timers that this log waits for; other tests' logs may have some too."""
    running = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    return [one for one in running if getattr(one.function, "__self__", None) is log]


def test_what_was_counted_is_recorded_when_the_portal_stops(database: Database, clock: FakeClock) -> None:
    log = AuditLog(database, clock)
    for _ in range(RECORDED + 5):
        log.commit_refusal(refusal("a"))

    log.close()

    ((_, detail),) = recorded(database, SUPPRESSED)
    assert detail["count"] == 5
    assert timers(log) == []


def test_what_was_counted_is_recorded_when_the_window_is_over_and_nobody_is_refused_any_more(
    log: AuditLog, database: Database, clock: FakeClock
) -> None:
    for _ in range(RECORDED + 5):
        log.commit_refusal(refusal("a"))
    (timer,) = timers(log)
    assert timer.interval == WINDOW.total_seconds()

    timer.cancel()
    clock.move(WINDOW)
    timer.function()

    ((_, detail),) = recorded(database, SUPPRESSED)
    assert detail["count"] == 5
