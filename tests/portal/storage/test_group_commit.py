"""The group commit, with row changes and a test's own participant in place of the audit log."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from daypass.portal.errors import AccessDenied
from daypass.portal.storage.engine import Database, StorageConflict
from daypass.portal.storage.group_commit import CommitNotConfirmed, GroupCommit, QueueFull
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.unit_of_work import Precondition, RowChange, UnitOfWork

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = 60.0
"""The time limit in seconds for a step that ends at once, unless the code is broken."""

_AWAITED_LOCKS = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE NOT l.granted AND d.datname = current_database()"
)
_ROLE = update(users).where(users.c.id == bindparam("user")).values(role=bindparam("new_role"))


class Counted(Prepared):
    """A statement that counts how often it is sent."""

    sent = 0

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send the statement."""
        self.sent += 1
        super().run(connection, rows)


_ADD = Prepared(insert(users), columns=("id", "username", "role", "created_at"))


def add_user(name: str, statement: Prepared = _ADD) -> RowChange:
    return RowChange(statement, {"id": name, "username": name, "role": "User", "created_at": NOON})


def set_role(user: str, role: str) -> RowChange:
    return RowChange(_ROLE, {"user": user, "new_role": role})


@dataclass(slots=True)
class Journal:
    """A participant that keeps the records of each transaction in memory, and the thread that wrote them."""

    batches: list[tuple[list[str], bool]] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    _pending: list[str] = field(default_factory=list)

    def write(self, _connection: Connection, records: Sequence[str]) -> None:
        """Keep the records until the end of the transaction; the record “broken” is refused."""
        if "broken" in records:
            raise ZeroDivisionError
        self._pending = list(records)
        self.writers.append(threading.current_thread().name)

    def end(self, *, is_committed: bool) -> None:
        """Note the batch and how its transaction ended."""
        self.batches.append((self._pending, is_committed))
        self._pending = []

    @property
    def durable(self) -> list[str]:
        """The records of transactions that committed, in order."""
        return [record for records, is_committed in self.batches if is_committed for record in records]


@dataclass(slots=True)
class Rig:
    """A group commit, its participant, and threads that commit."""

    database: Database
    timeout: timedelta = timedelta(seconds=8)
    max_queue: int = 2000
    journal: Journal = field(default_factory=Journal)
    outcomes: dict[str, BaseException | None] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    group_commit: GroupCommit[str] = field(init=False)

    def __post_init__(self) -> None:
        self.group_commit = GroupCommit(self.database, [self.journal], self.timeout, max_queue=self.max_queue)

    def commit(
        self,
        name: str,
        *changes: RowChange,
        precondition: Precondition | None = None,
        is_exclusive: bool = False,
    ) -> None:
        """Commit one unit in this thread; its record is its name."""
        self.group_commit.commit(UnitOfWork(changes, [name], precondition, is_exclusive))

    def start(self, name: str, *changes: RowChange, precondition: Precondition | None = None) -> None:
        """Commit in another thread, which has queued its unit when this returns."""
        waiting = len(self.group_commit._waiting)

        def act() -> None:
            try:
                self.commit(name, *changes, precondition=precondition)
                self.outcomes[name] = None
            except BaseException as error:  # handed to the test
                self.outcomes[name] = error

        thread = threading.Thread(target=act, name=name)
        self.threads.append(thread)
        thread.start()
        until(lambda: len(self.group_commit._waiting) > waiting)

    def hold(self) -> Callable[[], None]:
        """Start a leader that stays in its transaction; return the function that lets it go on."""
        is_held, may_go = threading.Event(), threading.Event()

        def wait(_connection: Connection) -> None:
            is_held.set()
            assert may_go.wait(SOON)

        thread = threading.Thread(target=self.commit, args=("held",), kwargs={"precondition": wait})
        self.threads.append(thread)
        thread.start()
        assert is_held.wait(SOON)
        return may_go.set

    def join(self) -> dict[str, BaseException | None]:
        """Wait for the threads; return the outcome of each commit, None for success."""
        for thread in self.threads:
            thread.join(SOON)
            assert not thread.is_alive()
        return self.outcomes

    def user_ids(self) -> list[str]:
        """Return the users in the database."""
        with self.database.reading() as connection:
            return sorted(connection.scalars(select(users.c.id)))


def is_a_lock_awaited(database: Database) -> bool:
    with database.reading() as connection:
        return bool(connection.scalar(_AWAITED_LOCKS))


def until(condition: Callable[[], bool]) -> None:
    ends_at = monotonic() + SOON
    while not condition():
        assert monotonic() < ends_at
        threading.Event().wait(0.001)


@pytest.fixture
def rig(database: Database) -> Iterator[Rig]:
    made = Rig(database)
    yield made
    made.join()


def test_units_that_wait_share_the_next_transaction_and_each_statement(rig: Rig) -> None:
    statement = Counted(insert(users), columns=("id", "username", "role", "created_at"))
    go_on = rig.hold()
    names = [f"user {number}" for number in range(9)]
    for name in names:
        rig.start(name, add_user(name, statement))
    go_on()

    assert set(rig.join().values()) == {None}
    assert rig.journal.batches == [(["held"], True), (names, True)]
    assert statement.sent == 1
    assert rig.user_ids() == names


def test_a_batch_has_the_units_that_arrived_before_its_transaction_began(database_url: str) -> None:
    with closing(Database(database_url, connections=1)) as database:
        rig = Rig(database)
        with database.reading():
            # The first one leads, and waits for the only connection.
            for name in ("first", "second", "third"):
                rig.start(name)
        assert set(rig.join().values()) == {None}

    assert rig.journal.batches == [(["first", "second", "third"], True)]


def test_units_that_wait_for_a_transaction_that_cannot_begin_fail_together(database_url: str) -> None:
    with closing(Database(database_url, connections=1, patience=timedelta(seconds=0.2))) as database:
        rig = Rig(database)
        with database.reading():
            for name in ("first", "second", "third"):
                rig.start(name)
            outcomes = rig.join()

    assert {type(outcome) for outcome in outcomes.values()} == {CommitNotConfirmed}
    assert rig.journal.batches == [([], False)]


def test_a_precondition_sees_the_units_before_it_in_its_transaction(rig: Rig) -> None:
    seen: list[list[str]] = []

    def look(connection: Connection) -> None:
        seen.append(sorted(connection.scalars(select(users.c.id))))

    go_on = rig.hold()
    rig.start("first", add_user("dana"))
    rig.start("second", add_user("noor"), precondition=look)
    rig.start("third", add_user("amir"))
    go_on()

    assert set(rig.join().values()) == {None}
    assert seen == [["dana"]]
    assert rig.user_ids() == ["amir", "dana", "noor"]


def test_the_changes_and_records_of_a_refused_unit_are_not_written(rig: Rig) -> None:
    refusal = AccessDenied("No.")
    go_on = rig.hold()
    rig.start("refused", add_user("dana"), precondition=lambda _: refusal)
    rig.start("allowed", add_user("noor"), precondition=lambda _: None)
    go_on()

    assert rig.join() == {"refused": refusal, "allowed": None}
    assert rig.journal.batches[1:] == [(["allowed"], True)]
    assert rig.user_ids() == ["noor"]


@pytest.mark.parametrize("name", ["a row", "broken"])
def test_one_unit_that_fails_does_not_fail_the_others(rig: Rig, name: str) -> None:
    rig.commit("before", add_user("dana"))
    go_on = rig.hold()
    rig.start("first", add_user("first"))
    rig.start(name, add_user("dana" if name == "a row" else "noor"))
    rig.start("last", add_user("last"))
    go_on()

    error = rig.join().pop(name)
    assert isinstance(error, IntegrityError if name == "a row" else ZeroDivisionError)
    assert rig.outcomes == {"first": None, "last": None}
    # The participant learns of the rollback before the units are written one by one.
    assert [is_committed for _, is_committed in rig.journal.batches] == [True, True, False, True, False, True]
    assert rig.journal.durable == ["before", "held", "first", "last"]
    assert rig.user_ids() == ["dana", "first", "last"]


def test_a_participant_is_not_called_without_records(rig: Rig) -> None:
    rig.group_commit.commit(UnitOfWork([add_user("dana")]))

    assert (rig.journal.writers, rig.journal.batches) == ([], [([], True)])
    assert rig.user_ids() == ["dana"]


def test_a_waiting_thread_becomes_the_leader_of_the_next_batch(rig: Rig) -> None:
    go_on = rig.hold()
    names = [f"{number:03}" for number in range(300)]
    for name in names:
        rig.start(name)
    go_on()

    assert set(rig.join().values()) == {None}
    sizes = [len(records) for records, _ in rig.journal.batches[1:]]
    assert sizes == [128, 128, 44]
    assert rig.journal.writers[1:] == ["000", "128", "256"]
    assert rig.journal.durable == ["held", *names]


def test_a_unit_that_times_out_in_the_queue_is_never_written(database: Database) -> None:
    rig = Rig(database, timeout=timedelta(milliseconds=20))
    go_on = rig.hold()
    rig.start("late", add_user("dana"))
    until(lambda: "late" in rig.outcomes)
    go_on()

    assert isinstance(rig.join()["late"], CommitNotConfirmed)
    rig.commit("after")
    assert rig.journal.durable == ["held", "after"]
    assert rig.user_ids() == []


def test_a_full_queue_refuses_a_unit_at_once(database: Database) -> None:
    rig = Rig(database, max_queue=2)
    go_on = rig.hold()
    rig.start("first")
    rig.start("second")

    with pytest.raises(QueueFull):
        rig.commit("one too many")

    go_on()
    assert rig.join() == {"first": None, "second": None}
    assert rig.journal.durable == ["held", "first", "second"]


class Interrupted(BaseException):
    """An exception that interrupts a thread at any point, as KeyboardInterrupt does."""


def test_an_interrupted_leader_fails_its_batch_and_promotes_the_next_leader(rig: Rig) -> None:
    def interrupt(_connection: Connection) -> None:
        raise Interrupted

    go_on = rig.hold()
    rig.start("interrupted", add_user("dana"), precondition=interrupt)
    for number in range(130):
        rig.start(f"{number}")
    go_on()

    outcomes = rig.join()
    assert isinstance(outcomes.pop("interrupted"), Interrupted)
    assert {type(outcomes[f"{number}"]) for number in range(127)} == {CommitNotConfirmed}
    assert [outcomes[f"{number}"] for number in range(127, 130)] == [None] * 3
    assert rig.journal.batches[1:] == [([], False), (["127", "128", "129"], True)]
    assert rig.user_ids() == []


@pytest.mark.parametrize(("deadlocks", "is_durable"), [(1, True), (2, False)])
def test_a_single_unit_is_retried_once_after_a_deadlock(rig: Rig, deadlocks: int, is_durable: bool) -> None:
    tries: list[int] = []

    def deadlock(_connection: Connection) -> None:
        tries.append(len(tries))
        if len(tries) <= deadlocks:
            raise StorageConflict("A deadlock was resolved.")

    with nullcontext() if is_durable else pytest.raises(CommitNotConfirmed):
        rig.commit("once", add_user("dana"), precondition=deadlock)

    assert len(tries) == 2
    assert rig.user_ids() == (["dana"] if is_durable else [])


def test_a_lock_held_elsewhere_fails_only_the_units_that_need_it(postgres_url: str) -> None:
    with closing(Database(postgres_url, connections=4, patience=timedelta(seconds=3))) as database:
        rig = Rig(database)
        rig.commit("before", add_user("dana"), add_user("noor"))
        with database.writing() as other:
            other.execute(_ROLE, {"user": "dana", "new_role": "held"})
            # The second round has short lock waits from the start.
            for round_ in ("first", "second"):
                go_on = rig.hold()
                for number in range(4):
                    user = ("dana", "noor")[number % 2]
                    rig.start(f"{round_} {number} {user}", set_role(user, round_))
                go_on()
                for name, error in rig.join().items():
                    assert isinstance(error, CommitNotConfirmed if name.endswith("dana") else type(None)), (
                        name
                    )
            other.rollback()

        rig.commit("after", set_role("dana", "free"))
        with database.reading() as connection:
            roles = connection.execute(select(users.c.id, users.c.role)).all()
    assert dict(map(tuple, roles)) == {"dana": "free", "noor": "second"}


def test_an_exclusive_unit_waits_for_the_preconditions_of_other_processes(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as here, closing(Database(postgres_url)) as there:
        checking, changing = Rig(here), Rig(there)
        go_on = checking.hold()
        thread = threading.Thread(target=changing.commit, args=("change",), kwargs={"is_exclusive": True})
        thread.start()
        until(lambda: is_a_lock_awaited(here))
        was_written = list(changing.journal.batches)
        go_on()
        checking.join()
        thread.join(SOON)

    assert not thread.is_alive()
    assert was_written == []
    assert changing.journal.durable == ["change"]


def test_wait_idle_returns_in_time_while_a_writer_hangs(rig: Rig) -> None:
    go_on = rig.hold()

    rig.group_commit.wait_idle(timedelta(milliseconds=20))
    was_writing = rig.group_commit._is_led
    go_on()
    rig.group_commit.wait_idle(timedelta(seconds=SOON))

    assert (was_writing, rig.group_commit._is_led) == (True, False)
