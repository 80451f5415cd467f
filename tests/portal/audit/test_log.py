import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.audit.verify import verify
from daypass.portal.errors import AccessDenied, AuditUnavailable, Overloaded, PortalError, Unauthenticated
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database, StorageConflict
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.unit_of_work import Precondition, RowChange, UnitOfWork
from tests.fixtures.database import PostgresServer
from tests.waiting import wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADD_USER = insert(users)
PROMOTE = update(users).where(users.c.id == bindparam("user")).values(role=bindparam("new_role"))


DANA = Actor("u1", "dana@example.com", "r1")


def an_event(subject: str = "something", **detail: str | int) -> Event:
    return Event(action="test.happen", actor=DANA, outcome=Outcome.DONE, subject=subject, detail=detail)


def a_user(name: str) -> RowChange:
    return RowChange(ADD_USER, {"id": name, "username": name, "role": "User", "created_at": NOON})


def subjects(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(
            connection.scalars(select(audit_events.c.subject).where(audit_events.c.action == "test.happen"))
        )


def user_ids(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.scalars(select(users.c.id)))


def is_intact(database: Database) -> bool:
    with database.snapshot() as connection:
        return verify(connection).is_intact


@pytest.fixture
def committer(database: Database) -> Iterator[Committer]:
    opened = Committer(database, lambda: NOON)
    yield opened
    opened.close()


class Gate:
    """Holds the leader inside a transaction until `open`, so that commits queued meanwhile form one batch."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._is_held = threading.Event()
        self._may_go = threading.Event()
        self._thread = threading.Thread(
            target=committer.commit,
            args=(an_event("gate"),),
            kwargs={"precondition": self._hold},
            daemon=True,
        )
        self._thread.start()
        self._is_held.wait()

    def _hold(self, _connection: Connection) -> None:
        self._is_held.set()
        self._may_go.wait()

    def wait_queued(self, number: int) -> None:
        """Wait until that many commits are queued behind the leader."""
        wait_until(lambda: self._committer.waiting >= number)

    def open(self, queued: int = 0) -> None:
        """Let the leader go once *queued* commits wait for it; fewer of them would form the next batch."""
        try:
            self.wait_queued(queued)
        finally:
            self._may_go.set()
            self._thread.join()


def in_the_background(
    committer: Committer, event: Event, *writes: RowChange, precondition: Precondition | None = None
) -> tuple[threading.Thread, list[Exception]]:
    failures: list[Exception] = []

    def commit() -> None:
        try:
            committer.commit(event, *writes, precondition=precondition)
        except Exception as error:  # handed to the test
            failures.append(error)

    thread = threading.Thread(target=commit)
    thread.start()
    return thread, failures


def test_an_event_and_its_rows_are_stored_when_commit_returns(
    committer: Committer, database: Database
) -> None:
    committer.commit(an_event("one"), a_user("dana"))

    assert subjects(database) == {"one"}
    assert user_ids(database) == {"dana"}
    assert is_intact(database)


def test_many_threads_share_one_unbroken_chain(committer: Committer, database: Database) -> None:
    def commit_some(thread: int) -> None:
        for number in range(25):
            committer.commit(an_event(f"{thread}/{number}"), a_user(f"{thread}/{number}"))

    threads = [threading.Thread(target=commit_some, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(subjects(database)) == len(user_ids(database)) == 400
    with database.snapshot() as connection:
        report = verify(connection)
    assert report.is_intact
    assert len(report.heads) == 1


def test_if_the_precondition_fails_its_refusal_is_raised_and_nothing_is_written(
    committer: Committer, database: Database
) -> None:
    refusal = Unauthenticated("Your token was revoked a moment ago.")

    with pytest.raises(Unauthenticated) as raised:
        committer.commit(an_event("refused"), a_user("dana"), precondition=lambda _: refusal)

    assert raised.value is refusal
    assert subjects(database) == user_ids(database) == set()


@pytest.mark.parametrize("error", [ZeroDivisionError(), AccessDenied("No.")])
def test_an_exception_in_a_precondition_fails_only_its_own_commit(
    committer: Committer, database: Database, error: Exception
) -> None:
    def broken(_connection: Connection) -> PortalError | None:
        raise error

    gate = Gate(committer)
    good = in_the_background(committer, an_event("good"))
    bad = in_the_background(committer, an_event("broken"), precondition=broken)
    gate.open(queued=2)
    for thread, _ in (good, bad):
        thread.join()

    assert (good[1], bad[1]) == ([], [error])
    assert subjects(database) == {"gate", "good"}
    assert is_intact(database)


def test_one_invalid_row_does_not_fail_the_other_commits_of_the_batch(
    committer: Committer, database: Database
) -> None:
    committer.commit(an_event("first"), a_user("dana"))
    gate = Gate(committer)
    names = [f"good {number}" for number in range(5)]
    good = [in_the_background(committer, an_event(name), a_user(name)) for name in names]
    bad = in_the_background(committer, an_event("bad"), a_user("dana"))
    gate.open(queued=6)
    for thread, _ in (*good, bad):
        thread.join()

    assert [failures for _, failures in good] == [[]] * 5
    assert [type(error).__name__ for error in bad[1]] == ["IntegrityError"]
    assert subjects(database) == {"first", "gate", *names}
    assert is_intact(database)


@pytest.mark.parametrize("value", [Secret("hunter2"), 1.5, ["a"], b"bytes"])
def test_an_event_accepts_only_plain_values(committer: Committer, database: Database, value: object) -> None:
    with pytest.raises(TypeError):
        committer.commit(an_event(value=value))  # type: ignore[arg-type]  # that is what is refused

    committer.commit(an_event("next"))
    assert subjects(database) == {"next"}


@pytest.mark.parametrize(
    "text_", ["a\r\nb", "\x1b[31mred", "nul\0byte", "\ud800 alone", "right\u202eleft", "x" * 5000]
)
def test_text_in_an_event_is_printable_and_bounded(
    committer: Committer, database: Database, text_: str
) -> None:
    event = Event(
        action="test.happen",
        actor=Actor("u1", text_, text_),
        outcome=Outcome.DONE,
        subject=text_,
        detail={"typed": text_},
    )

    committer.commit(event)

    with database.reading() as connection:
        row = connection.execute(select(audit_events).where(audit_events.c.action == "test.happen")).one()
    assert row.actor.isprintable()
    assert row.subject.isprintable()
    assert row.request_id.isprintable()
    assert row.detail.isascii()
    assert row.detail.isprintable()
    assert len(row.detail) < 1020
    assert is_intact(database)


def test_after_a_database_fault_a_new_chain_is_opened(sqlite_url: str) -> None:
    database = Database(sqlite_url, connections=1)
    committer = Committer(database, lambda: NOON)
    committer.commit(an_event("before"))
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(AuditUnavailable, match="issues nothing without it"):
        committer.commit(an_event("during", **{f"filler{number}": "x" * 1000 for number in range(100)}))
    with database.reading() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    committer.commit(an_event("after"))

    assert subjects(database) == {"before", "after"}
    with database.snapshot() as connection:
        report = verify(connection)
    assert report.is_intact
    assert len(report.heads) == 2
    committer.close()
    database.close()


def test_a_commit_fails_while_the_server_is_down_and_succeeds_after_its_restart(
    crashing_postgres: PostgresServer,
) -> None:
    database = Database(crashing_postgres.url("portal"))
    committer = Committer(database, lambda: NOON)
    committer.commit(an_event("before"))

    crashing_postgres.stop()
    with pytest.raises(AuditUnavailable, match="issues nothing without it"):
        committer.commit(an_event("during"), a_user("dana"))
    crashing_postgres.start()
    committer.commit(an_event("after"))

    assert subjects(database) == {"before", "after"}
    assert user_ids(database) == set()
    assert is_intact(database)
    committer.close()
    database.close()


def test_several_events_are_durable_together_or_not_at_all(database: Database, committer: Committer) -> None:
    refusal = AccessDenied("No.")

    committer.commit_unit(UnitOfWork([a_user("dana"), a_user("noor")], [an_event("a"), an_event("b")]))
    with pytest.raises(AccessDenied):
        committer.commit_unit(UnitOfWork([a_user("amir")], [an_event("c")] * 2, lambda _: refusal))
    with pytest.raises(IntegrityError):
        committer.commit_unit(UnitOfWork([a_user("amir"), a_user("dana")], [an_event("d"), an_event("e")]))

    assert subjects(database) == {"a", "b"}
    assert user_ids(database) == {"dana", "noor"}
    assert is_intact(database)


def test_after_a_deadlock_between_replicas_both_commit(postgres_url: str) -> None:
    database = Database(postgres_url)
    committer = Committer(database, lambda: NOON)
    committer.commit(an_event("before"), a_user("dana"), a_user("noor"))
    has_noor = threading.Event()

    def signal(_connection: Connection) -> None:
        has_noor.set()

    with database.writing() as replica:
        # The transaction that detects a deadlock is the one rolled back; this one must not be it.
        replica.execute(text("SET LOCAL deadlock_timeout = '1min'"))
        replica.execute(PROMOTE, {"user": "dana", "new_role": "by the replica"})
        gate = Gate(committer)
        noor = in_the_background(
            committer, an_event("noor"), RowChange(PROMOTE, {"user": "noor", "new_role": "mine"})
        )
        gate.wait_queued(1)
        dana = in_the_background(
            committer,
            an_event("dana"),
            RowChange(PROMOTE, {"user": "dana", "new_role": "mine"}),
            precondition=signal,
        )
        gate.open(queued=2)
        has_noor.wait()
        replica.execute(PROMOTE, {"user": "noor", "new_role": "by the replica"})
    for thread, failures in (noor, dana):
        thread.join()
        assert failures == []

    with database.reading() as connection:
        roles = {row.id: row.role for row in connection.execute(select(users.c.id, users.c.role))}
    # The commit of dana waits for the replica. That of noor, when it is repeated, may be before the replica's
    # statement or after it: PostgreSQL lets either of them update the row first.
    assert roles["dana"] == "mine"
    assert roles["noor"] in {"mine", "by the replica"}
    assert subjects(database) == {"before", "gate", "noor", "dana"}
    assert is_intact(database)
    committer.close()
    database.close()


@pytest.mark.parametrize(("conflicts", "is_recorded"), [(1, True), (2, False)])
def test_a_single_commit_is_retried_once_after_a_deadlock(
    committer: Committer, database: Database, conflicts: int, is_recorded: bool
) -> None:
    tries: list[int] = []

    def deadlock(_connection: Connection) -> None:
        tries.append(len(tries))
        if len(tries) <= conflicts:
            raise StorageConflict("A deadlock was resolved.")

    with nullcontext() if is_recorded else pytest.raises(AuditUnavailable):
        committer.commit(an_event("once"), a_user("u2"), precondition=deadlock)

    assert subjects(database) == ({"once"} if is_recorded else set())
    assert is_intact(database)


class Interrupted(BaseException):
    """An exception that interrupts a thread at any point, as KeyboardInterrupt does."""


def test_commits_of_an_interrupted_batch_fail(committer: Committer, database: Database) -> None:
    interrupted = threading.Event()

    def interrupt(_connection: Connection) -> None:
        raise Interrupted

    def commit(number: int) -> None:
        try:
            committer.commit(an_event(f"{number}"), precondition=interrupt if number == 0 else None)
            done.add(f"{number}")
        except AuditUnavailable:
            pass
        except Interrupted:
            interrupted.set()

    gate, done = Gate(committer), set[str]()
    threads = [threading.Thread(target=commit, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    gate.open(queued=30)
    for thread in threads:
        thread.join()

    assert interrupted.is_set()
    assert subjects(database) == done | {"gate"}
    assert len(done) < 29
    committer.commit(an_event("after"))
    assert is_intact(database)


def test_a_commit_that_times_out_in_the_queue_writes_nothing(database: Database) -> None:
    committer = Committer(database, lambda: NOON, timeout=timedelta(milliseconds=20))
    gate = Gate(committer)

    with pytest.raises(AuditUnavailable):
        committer.commit(an_event("too late"), a_user("dana"))
    gate.open()
    committer.commit(an_event("after"))

    assert subjects(database) == {"gate", "after"}
    assert user_ids(database) == set()
    committer.close()


def test_a_full_queue_refuses_a_commit_at_once(committer: Committer, database: Database) -> None:
    gate = Gate(committer)
    threads = [in_the_background(committer, an_event(f"waiting {number}")) for number in range(2000)]
    gate.wait_queued(2000)

    with pytest.raises(Overloaded):
        committer.commit(an_event("one too many"))

    gate.open()
    for thread, _ in threads:
        thread.join()
    assert "one too many" not in subjects(database)


def test_close_writes_the_queued_commits(database: Database) -> None:
    committer = Committer(database, lambda: NOON)
    gate = Gate(committer)
    waiting = [in_the_background(committer, an_event(f"waiting {number}")) for number in range(10)]
    gate.wait_queued(10)
    closing = threading.Thread(target=committer.close)
    closing.start()
    gate.open()
    closing.join()
    for thread, failures in waiting:
        thread.join()
        assert failures == []

    assert len(subjects(database)) == 11


def test_each_writing_process_has_its_own_chain(database: Database) -> None:
    first, second = Committer(database, lambda: NOON), Committer(database, lambda: NOON)

    threads = [
        in_the_background(committer, an_event(f"{name} {number}"))
        for number in range(20)
        for name, committer in (("first", first), ("second", second))
    ]
    for thread, failures in threads:
        thread.join()
        assert failures == []
    first.close()
    second.close()

    with database.snapshot() as connection:
        report = verify(connection)
    assert report.is_intact
    assert len(report.heads) == 2
    assert len(subjects(database)) == 40
