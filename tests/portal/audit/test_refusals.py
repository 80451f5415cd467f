"""The rate limit for audit events of refusals: every refusal is either recorded or counted."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.audit.refusal_limit import AT_ONCE, RECORDED, SUPPRESSED, WINDOW, RefusalLimit
from daypass.portal.audit.verify import verify
from daypass.portal.errors import AuditUnavailable, Overloaded, PortalError
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import FakeClock
from tests.portal.audit.test_log import Gate, a_user, an_event, in_the_background


def refusal(actor: str, action: str = "membership.put", code: str = "access_denied") -> Event:
    return Event(
        action=action,
        actor=Actor(actor, f"{actor}@example.com", "r"),
        outcome=Outcome.DENIED,
        subject="s",
        detail={"code": code},
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committer(database: Database, clock: FakeClock) -> Iterator[Committer]:
    opened = Committer(database, clock)
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
def test_every_refusal_is_either_recorded_or_counted(refusals: list[tuple[str, str, int, int]]) -> None:
    limit, clock = RefusalLimit(), FakeClock()
    refused = admitted = counted = 0
    for actor, action, number, seconds in refusals:
        counted += sum(int(str(event.detail["count"])) for event in limit.take_suppression_counts(clock()))
        admitted += sum(limit.admit(refusal(actor, action), clock()) for _ in range(number))
        refused += number
        clock.move(timedelta(seconds=seconds))
    counted += sum(int(str(event.detail["count"])) for event in limit.take_suppression_counts(None))

    assert admitted + counted == refused
    assert admitted >= min(refused, RECORDED)
    assert not limit.has_suppression_counts
    assert limit.take_suppression_counts(None) == []


def test_setting_the_clock_back_ends_a_window() -> None:
    limit, clock = RefusalLimit(), FakeClock()
    for _ in range(RECORDED + 1):
        limit.admit(refusal("a", "x"), clock())
    clock.move(-timedelta(hours=1))

    assert [event.detail["count"] for event in limit.take_suppression_counts(clock())] == [1]
    assert limit.admit(refusal("a", "x"), clock())


def test_concurrent_refusals_are_all_counted(
    committer: Committer, database: Database, clock: FakeClock
) -> None:
    def refuse() -> None:
        for _ in range(25):
            committer.commit_rate_limited(refusal("a", "user.create"))

    crowd = [threading.Thread(target=refuse) for _ in range(8)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    clock.move(WINDOW)
    committer.commit_rate_limited(refusal("b", "user.create"))

    assert [actor for actor, _ in recorded(database, "user.create")].count("a") == RECORDED
    ((actor, detail),) = recorded(database, SUPPRESSED)
    assert (actor, detail["count"], detail["code"]) == ("a", 200 - RECORDED, "access_denied")
    with database.snapshot() as connection:
        assert verify(connection).is_intact


def timers(committer: Committer) -> list[threading.Timer]:
    """Return the running timers of this log, without those of other tests."""
    threads = [timer for timer in threading.enumerate() if isinstance(timer, threading.Timer)]
    # The thread of a cancelled timer ends shortly after.
    running = [timer for timer in threads if not timer.finished.is_set()]
    return [timer for timer in running if getattr(timer.function, "__self__", None) is committer]


def test_counts_are_recorded_when_the_portal_stops(database: Database, clock: FakeClock) -> None:
    committer = Committer(database, clock)
    for _ in range(RECORDED + 5):
        committer.commit_rate_limited(refusal("a"))

    committer.close()

    ((_, detail),) = recorded(database, SUPPRESSED)
    assert detail["count"] == 5
    assert timers(committer) == []


def test_counts_are_recorded_at_the_end_of_the_window_without_another_refusal(
    committer: Committer, database: Database, clock: FakeClock
) -> None:
    for _ in range(RECORDED + 5):
        committer.commit_rate_limited(refusal("a"))
    (timer,) = timers(committer)
    assert timer.interval == WINDOW.total_seconds()

    timer.cancel()
    clock.move(WINDOW)
    timer.function()

    ((_, detail),) = recorded(database, SUPPRESSED)
    assert detail["count"] == 5


REFUSED_COMMITS = {
    "the queue is full": (Overloaded, timedelta(seconds=60), 1),
    "the database does not answer in time": (AuditUnavailable, timedelta(milliseconds=50), 2000),
}


@pytest.mark.parametrize(("failure", "timeout", "max_queue"), REFUSED_COMMITS.values(), ids=REFUSED_COMMITS)
@pytest.mark.parametrize("retried", ["with the next refusal", "when the next window is over", "at the end"])
def test_counts_whose_commit_failed_are_recorded_by_a_later_commit(
    sqlite_url: str,
    clock: FakeClock,
    failure: type[PortalError],
    timeout: timedelta,
    max_queue: int,
    retried: str,
) -> None:
    database = Database(sqlite_url)
    committer = Committer(database, clock, timeout, max_queue=max_queue)
    for _ in range(RECORDED + 5):
        committer.commit_rate_limited(refusal("a"))
    (timer,) = timers(committer)
    timer.cancel()
    clock.move(WINDOW)
    gate = Gate(committer)
    waiting, _ = in_the_background(committer, an_event("waiting"))
    gate.wait_queued(1)
    with pytest.raises(failure):
        committer.commit_rate_limited(refusal("b"))
    # The window is over, and the timer's own attempt to record the counts fails too.
    timer.function()
    gate.open()
    waiting.join()
    lost = recorded(database, SUPPRESSED)

    if retried == "with the next refusal":
        committer.commit_rate_limited(refusal("b"))
    elif retried == "when the next window is over":
        (next_timer,) = timers(committer)
        next_timer.cancel()
        next_timer.function()
    committer.close()

    ((actor, detail),) = recorded(database, SUPPRESSED)
    assert lost == []
    assert (actor, detail["count"]) == ("a", 5)
    assert timers(committer) == []
    database.close()


def test_counts_of_many_users_are_recorded_in_commits_of_bounded_size(
    committer: Committer, database: Database, clock: FakeClock
) -> None:
    users = 2 * AT_ONCE + 1
    for number in range(users):
        for _ in range(RECORDED + 1):
            committer._refusals.admit(refusal(str(number)), clock())
    clock.move(WINDOW)

    committer.commit_rate_limited(refusal("next"))
    first = len(recorded(database, SUPPRESSED))
    committer.close()

    assert first == AT_ONCE
    assert sorted(int(actor) for actor, _ in recorded(database, SUPPRESSED)) == list(range(users))


def test_a_refusal_whose_row_cannot_be_written_neither_loses_nor_repeats_the_counts(
    committer: Committer, database: Database, clock: FakeClock
) -> None:
    committer.commit(an_event("before"), a_user("dana"))
    for _ in range(RECORDED + 5):
        committer.commit_rate_limited(refusal("a"))
    clock.move(WINDOW)

    with pytest.raises(IntegrityError):
        committer.commit_rate_limited(refusal("b"), a_user("dana"))
    committer.commit_rate_limited(refusal("c"))

    assert [(actor, detail["count"]) for actor, detail in recorded(database, SUPPRESSED)] == [("a", 5)]
