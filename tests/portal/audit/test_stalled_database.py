"""The group commit with a stalled database: every caller gets an answer, and the audit log stays correct."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.verify import verify
from daypass.portal.errors import AuditUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.unit_of_work import Precondition, RowChange
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied
from tests.portal.audit.test_log import NOON, Gate, an_event, subjects

PATIENCE = timedelta(seconds=1.5)
SOON = 20.0
"""The time limit in seconds for every answer, also on a busy machine."""

PROMOTE = update(users).where(users.c.id == bindparam("user")).values(role=bindparam("new_role"))


@dataclass(slots=True)
class Callers:
    """Threads that commit one event each."""

    committer: Committer
    threads: list[threading.Thread] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)

    def commit(self, name: str, *writes: RowChange, precondition: Precondition | None = None) -> None:
        """Start another thread that commits."""
        thread = threading.Thread(target=self._commit, args=(name, writes, precondition), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _commit(self, name: str, writes: Sequence[RowChange], precondition: Precondition | None) -> None:
        try:
            self.committer.commit(an_event(name), *writes, precondition=precondition)
            self.outcomes[name] = "durable"
        except Exception as error:  # handed to the test
            self.outcomes[name] = type(error).__name__

    def wait(self) -> dict[str, str]:
        """Return the outcome of each commit; fails if one gets no answer."""
        ends_at = monotonic() + SOON
        for thread in self.threads:
            thread.join(max(0.0, ends_at - monotonic()))
            assert not thread.is_alive(), "a caller waits without an answer"
        return self.outcomes


class Stop:
    """A precondition that stops the server process of its own transaction."""

    pid: int | None = None

    def __call__(self, connection: Connection) -> None:
        """Stop the server process, the first time only."""
        if self.pid is None:
            self.pid = connection.scalar(text("SELECT pg_backend_pid()"))
            assert self.pid is not None
            os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the server process, unless it has ended since."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def stop() -> Iterator[Stop]:
    made = Stop()
    yield made
    made.resume()


@contextmanager
def opened(url: str, patience: timedelta = PATIENCE) -> Iterator[tuple[Database, Committer]]:
    database = Database(url, connections=4, patience=patience)
    committer = Committer(database, lambda: NOON)
    yield database, committer
    committer.close(timedelta(0))
    database.close()


def count(database: Database, subject: str) -> int:
    with database.reading() as connection:
        return len(
            connection.scalars(select(audit_events.c.hash).where(audit_events.c.subject == subject)).all()
        )


def chains(database: Database) -> int:
    with database.snapshot() as connection:
        report = verify(connection)
    assert report.is_intact
    return len(report.heads)


def until(condition: Callable[[], bool]) -> None:
    ends_at = monotonic() + SOON
    while not condition():
        assert monotonic() < ends_at
        threading.Event().wait(0.01)


def test_commits_on_a_stopped_backend_fail_and_later_ones_succeed(postgres_url: str, stop: Stop) -> None:
    with opened(postgres_url) as (database, committer):
        committer.commit(an_event("before"))
        gate, callers = Gate(committer), Callers(committer)
        for number in range(8):
            callers.commit(f"stuck {number}", precondition=stop if number == 3 else None)
        gate.open(queued=8)

        assert set(callers.wait().values()) == {"AuditUnavailable"}
        for number in range(8):
            callers.commit(f"after {number}")
        assert {name for name, outcome in callers.wait().items() if outcome == "durable"} == {
            f"after {number}" for number in range(8)
        }
        stop.resume()
        committer.commit(an_event("resumed"))

        assert subjects(database) == {"before", "gate", "resumed", *(f"after {n}" for n in range(8))}
        assert chains(database) == 2


def test_an_unconfirmed_commit_fails_and_is_not_repeated(postgres: PostgresServer, postgres_url: str) -> None:
    checked: list[str] = []

    def withhold(_connection: Connection) -> None:
        checked.append("once")
        proxy.withhold_answer_to(b"COMMIT")

    with proxied(postgres, postgres_url) as (proxy, url), opened(url) as (database, committer):
        committer.commit(an_event("before"))
        gate, callers = Gate(committer), Callers(committer)
        for number in range(3):
            callers.commit(f"uncertain {number}", precondition=withhold if number == 0 else None)
        gate.open(queued=3)

        assert set(callers.wait().values()) == {"AuditUnavailable"}
        assert proxy.swallowed.is_set()
        committer.commit(an_event("after"))

        # The server has committed, although the callers got no confirmation.
        until(lambda: count(database, "uncertain 0") > 0)
        assert [count(database, f"uncertain {number}") for number in range(3)] == [1, 1, 1]
        assert checked == ["once"]
        assert chains(database) == 2


def test_a_server_that_vanished_is_used_again_after_its_return(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url), opened(url) as (database, committer):
        committer.commit(an_event("before"))
        proxy.vanish()
        callers = Callers(committer)
        for number in range(8):
            callers.commit(f"lost {number}")

        assert set(callers.wait().values()) == {"AuditUnavailable"}
        proxy.come_back()
        committer.commit(an_event("after"))

        assert subjects(database) == {"before", "after"}
        assert chains(database) == 2


def test_a_lock_that_is_never_released_fails_only_the_commits_that_need_it(postgres_url: str) -> None:
    # A longer patience: between lock timeout and deadline, each entry of the batch is written separately.
    patience = 2 * PATIENCE
    row = {"role": "User", "created_at": NOON}
    with opened(postgres_url, patience) as (database, committer):
        with database.writing() as connection:
            connection.execute(
                insert(users), [row | {"id": name, "username": name} for name in ("dana", "noor")]
            )
        with database.writing() as other:
            other.execute(PROMOTE, {"user": "dana", "new_role": "held"})
            for round_ in range(2):
                gate, callers = Gate(committer), Callers(committer)
                for number in range(6):
                    user = "dana" if number % 3 == 0 else "noor"
                    write = RowChange(PROMOTE, {"user": user, "new_role": "mine"})
                    callers.commit(f"{round_} {number} {user}", write)
                gate.open(queued=6)
                for name, outcome in callers.wait().items():
                    assert outcome == ("AuditUnavailable" if name.endswith("dana") else "durable"), name
            other.rollback()
        committer.commit(an_event("after"), RowChange(PROMOTE, {"user": "dana", "new_role": "mine"}))

        chains(database)


def test_a_backend_that_stops_while_entries_are_retried_singly_ends_the_retry(
    postgres_url: str, stop: Stop
) -> None:
    tries: list[int] = []

    def stop_the_second_time(connection: Connection) -> None:
        tries.append(len(tries))
        if len(tries) == 2:
            stop(connection)

    def breaks(_connection: Connection) -> None:
        raise ZeroDivisionError

    with opened(postgres_url) as (database, committer):
        gate, callers = Gate(committer), Callers(committer)
        callers.commit("first")
        gate.wait_queued(1)
        callers.commit("second", precondition=stop_the_second_time)
        gate.wait_queued(2)
        callers.commit("third", precondition=breaks)
        gate.wait_queued(3)
        callers.commit("fourth")
        gate.wait_queued(4)
        gate.open()

        outcomes = callers.wait()
        assert outcomes == {
            "first": "durable",
            "second": "AuditUnavailable",
            "third": "AuditUnavailable",
            "fourth": "AuditUnavailable",
        }
        committer.commit(an_event("after"))
        stop.resume()

        assert subjects(database) == {"gate", "first", "after"}
        chains(database)


def committing_together(committer: Committer, precondition: Precondition) -> Callers:
    """Start a leader with this precondition and a follower, whose commits form one batch."""
    gate, callers = Gate(committer), Callers(committer)
    callers.commit("leader", precondition=precondition)
    gate.wait_queued(1)
    callers.commit("follower")
    gate.open(queued=2)
    return callers


def leads(callers: Callers, is_in_flight: threading.Event) -> bool:
    """Return whether the batch of the leader is in flight; not if the leader timed out before."""
    until(lambda: is_in_flight.is_set() or "leader" in callers.outcomes)
    return is_in_flight.is_set()


def test_a_commit_that_timed_out_stays_failed_whether_or_not_it_is_written(database: Database) -> None:
    committer = Committer(database, lambda: NOON, timeout=timedelta(milliseconds=200))
    is_in_flight, may_go = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        is_in_flight.set()
        may_go.wait()

    callers = committing_together(committer, hold)
    # On a busy machine, the leader may time out in the queue as well.
    for _ in range(20):
        if leads(callers, is_in_flight):
            break
        callers.wait()
        callers = committing_together(committer, hold)
    assert is_in_flight.is_set()
    until(lambda: callers.outcomes.get("follower") is not None)
    may_go.set()

    assert callers.wait() == {"leader": "durable", "follower": "AuditUnavailable"}
    committer.commit(an_event("after"))
    committer.close()
    assert "leader" in subjects(database)
    chains(database)


def test_a_sqlite_file_locked_by_another_process_fails_every_commit_in_time(sqlite_url: str) -> None:
    with opened(sqlite_url) as (database, committer):
        committer.commit(an_event("before"))
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
        other.execute("BEGIN IMMEDIATE")
        callers = Callers(committer)
        for number in range(8):
            callers.commit(f"locked out {number}")

        assert set(callers.wait().values()) == {"AuditUnavailable"}
        other.rollback()
        other.close()
        committer.commit(an_event("after"))

        assert subjects(database) == {"before", "after"}
        assert chains(database) == 2


def test_close_does_not_wait_for_ever_for_a_writer_that_hangs(database: Database) -> None:
    committer = Committer(database, lambda: NOON, timeout=timedelta(milliseconds=20))
    gate = Gate(committer)

    committer.close(timedelta(milliseconds=20))
    with pytest.raises(AuditUnavailable):
        committer.commit(an_event("refused"))

    gate.open()
    committer.close()
    assert subjects(database) == {"gate"}
