"""The lock of the writers of a SQLite database, among threads and real processes."""

import os
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.storage.file_lock import FileLock
from daypass.portal.storage.migrate import migrate
from daypass.portal.storage.schema.identity import users
from tests.portal.forked import PROCESSES
from tests.portal.storage.test_group_commit import NOON
from tests.waiting import wait_until

SOON = 60.0
PATIENCE = timedelta(seconds=0.3)
LONG = timedelta(seconds=SOON)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database file that no process has opened."""
    path = tmp_path / "daypass.db"
    path.touch(0o600)
    return path


@contextmanager
def opened(file: Path) -> Iterator[FileLock]:
    lock = FileLock(f"{file}-lock", beside=str(file))
    try:
        yield lock
    finally:
        lock.close()


@contextmanager
def in_a_process(body: Callable[..., None], *arguments: object) -> Iterator[tuple[int, Pipe]]:
    """Run *body* with a pipe and *arguments* in a process; yield its id and the other end of the pipe."""
    pipe, end = PROCESSES.Pipe()
    process = PROCESSES.Process(target=body, args=(end, *arguments))
    process.start()
    end.close()
    assert process.pid is not None
    try:
        yield process.pid, pipe
    finally:
        pipe.close()
        process.kill()
        process.join()


def hold(pipe: Pipe, file: Path) -> None:
    """Hold the lock until something is received."""
    with opened(file) as lock:
        assert lock.acquire(SOON)
        pipe.send("held")
        with suppress(EOFError):
            pipe.recv()
        lock.release()
        pipe.send("released")


def waiting(pipe: Pipe, file: Path) -> None:
    """Acquire the lock, and report it."""
    with opened(file) as lock:
        pipe.send("asks")
        assert lock.acquire(SOON)
        pipe.send("held")
        lock.release()


def count_up(pipe: Pipe, file: Path, number: int) -> None:
    """Read and write a number in a file that often, in each of three threads, with the lock held."""
    counter = file.with_name("counter")

    def count() -> None:
        for _ in range(number):
            assert lock.acquire(SOON)
            counter.write_text(str(int(counter.read_text()) + 1))
            lock.release()

    with opened(file) as lock:
        threads = [threading.Thread(target=count) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pipe.send("done")


def waiters(file: Path) -> int:
    """Return the number of waits for the lock, as the system lists them."""
    inode = Path(f"{file}-lock").stat().st_ino
    lines = Path("/proc/locks").read_text().splitlines()
    return sum(f":{inode} " in line and " -> " in line for line in lines)


def test_one_thread_of_all_processes_holds_the_lock_at_a_time(file: Path) -> None:
    file.with_name("counter").write_text("0")
    processes, number = 4, 100
    with (
        in_a_process(count_up, file, number) as (_, first),
        in_a_process(count_up, file, number) as (_, second),
        in_a_process(count_up, file, number) as (_, third),
        in_a_process(count_up, file, number) as (_, fourth),
    ):
        assert [pipe.recv() for pipe in (first, second, third, fourth)] == ["done"] * processes

    assert int(file.with_name("counter").read_text()) == processes * 3 * number


def test_the_lock_is_free_after_its_holder_is_killed(file: Path) -> None:
    with in_a_process(hold, file) as (pid, pipe), opened(file) as lock:
        assert pipe.recv() == "held"
        assert not lock.acquire(0.01)
        got: list[bool] = []
        asking = threading.Thread(target=lambda: got.append(lock.acquire(SOON)))
        asking.start()
        os.kill(pid, signal.SIGKILL)
        asking.join()
        lock.release()

    assert got == [True]


def test_a_stopped_holder_delays_a_waiter_for_its_time_limit_only(file: Path) -> None:
    with in_a_process(hold, file) as (pid, pipe), opened(file) as lock:
        assert pipe.recv() == "held"
        os.kill(pid, signal.SIGSTOP)
        refused = [lock.acquire(0.05) for _ in range(3)]
        # All of them had one place in the queue.
        queued = waiters(file)
        os.kill(pid, signal.SIGCONT)
        pipe.send("release")
        acquired = lock.acquire(SOON)
        lock.release()

    assert (refused, queued, acquired) == ([False] * 3, 1, True)


def test_a_place_in_the_queue_that_no_thread_wants_any_more_blocks_no_other_process(file: Path) -> None:
    with in_a_process(hold, file) as (_, holder), opened(file) as lock:
        assert holder.recv() == "held"
        assert not lock.acquire(0.01)
        with in_a_process(waiting, file) as (_, other):
            assert other.recv() == "asks"
            wait_until(lambda: waiters(file) == 2)
            holder.send("release")
            assert other.poll(SOON)
            assert other.recv() == "held"


def test_threads_of_one_process_wait_for_each_other_within_the_time_limit(file: Path) -> None:
    with opened(file) as lock:
        assert lock.acquire(SOON)
        refused = lock.acquire(0.01)
        lock.release()
        assert lock.acquire(SOON)
        lock.release()

    assert not refused


def test_a_lock_that_is_closed_while_it_is_held_stays_locked_until_it_is_released(file: Path) -> None:
    lock = FileLock(f"{file}-lock", beside=str(file))
    assert lock.acquire(SOON)
    lock.close()
    with opened(file) as another:
        assert not another.acquire(0.01)
        lock.release()
        assert another.acquire(SOON)
        another.release()

    assert descriptors(file) == []
    with pytest.raises(OSError, match="closed"):
        lock.acquire(SOON)


def test_a_lock_that_is_closed_while_it_is_queued_for_keeps_no_file_open(file: Path) -> None:
    lock = FileLock(f"{file}-lock", beside=str(file))
    with in_a_process(hold, file) as (_, holder):
        assert holder.recv() == "held"
        assert not lock.acquire(0.01)
        lock.close()
        lock.close()
        open_before = descriptors(file)
        holder.send("release")
        wait_until(lambda: descriptors(file) == [], lambda: descriptors(file))

    assert len(open_before) == 1


def descriptors(file: Path) -> Sequence[str]:
    """Return the open files of this process that are the lock of *file*."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(link.readlink()))
    return [name for name in found if name == f"{file}-lock"]


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, 0o600), (0o640, 0o600), (0o644, 0o600), (0o660, 0o660), (0o664, 0o660)]
)
def test_the_users_who_can_write_the_database_can_open_the_file(file: Path, mode: int, expected: int) -> None:
    file.chmod(mode)
    if os.geteuid() == 0:
        os.chown(file, 4321, 4322)
    with opened(file):
        found = Path(f"{file}-lock").stat()

    like = file.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (expected, like.st_uid, like.st_gid)


def test_a_symbolic_link_in_place_of_the_lock_file_is_not_followed(file: Path) -> None:
    target = file.with_name("target")
    target.write_text("content")
    Path(f"{file}-lock").symlink_to(target)

    with pytest.raises(OSError, match="symbolic links"):
        FileLock(f"{file}-lock", beside=str(file))
    assert target.read_text() == "content"


def test_a_program_that_the_holder_starts_does_not_inherit_the_lock(file: Path) -> None:
    with opened(file) as lock, opened(file) as another:
        assert lock.acquire(SOON)
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as program:
            lock.release()
            lock.close()
            assert another.acquire(SOON)
            another.release()
            program.kill()


# The lock as writers of the database use it.


def write_and_hold(pipe: Pipe, file: Path) -> None:
    """Hold a writing transaction that is not committed, until something is received."""
    with closing(Database(f"sqlite:///{file}")) as database, database.writing() as connection:
        connection.execute(insert(users).values(id="h", username="h", role="User", created_at=NOON))
        pipe.send("held")
        with suppress(EOFError):
            pipe.recv()


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> Path:
    path = tmp_path / "daypass.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@contextmanager
def database_of(file: Path, patience: timedelta = PATIENCE) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}", patience=patience)
    try:
        yield database
    finally:
        database.close()


def add(database: Database, name: str) -> None:
    with database.writing() as connection:
        connection.execute(insert(users).values(id=name, username=name, role="User", created_at=NOON))


def names(database: Database) -> Sequence[str]:
    with database.reading() as connection:
        return connection.scalars(select(users.c.username).order_by(users.c.username)).all()


def test_a_stopped_writer_delays_writers_of_other_processes_and_no_reader(migrated: Path) -> None:
    with in_a_process(write_and_hold, migrated) as (pid, pipe), database_of(migrated) as database:
        assert pipe.recv() == "held"
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(StorageUnavailable, match=r"busy\. Try again in a moment") as refused:
            add(database, "b")
        while_stopped = names(database)
        with database.snapshot() as connection:
            snapshot = connection.scalars(select(users.c.username)).all()
        os.kill(pid, signal.SIGCONT)
        pipe.send("commit")
        with database_of(migrated, LONG) as patient:
            add(patient, "b")
            afterwards = names(patient)

    assert refused.value.cause == f"Another writer has held {migrated}-lock for 0.3 seconds"
    assert (while_stopped, snapshot, afterwards) == ([], [], ["b", "h"])


def test_a_killed_writer_leaves_nothing_behind_and_no_writer_waits_for_it(migrated: Path) -> None:
    with in_a_process(write_and_hold, migrated) as (pid, pipe), database_of(migrated, LONG) as database:
        assert pipe.recv() == "held"
        writing = threading.Thread(target=add, args=(database, "b"))
        writing.start()
        wait_until(lambda: waiters(migrated) == 1)
        os.kill(pid, signal.SIGKILL)
        writing.join()

        assert names(database) == ["b"]


def test_a_writer_without_the_lock_is_waited_for_as_well(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated, isolation_level=None)) as shell, database_of(migrated) as database:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable) as refused:
            add(database, "b")
        shell.execute("COMMIT")
        add(database, "b")

    assert refused.value.cause == f"SQLite at {migrated}: database is locked"


def test_a_failed_transaction_releases_the_lock(migrated: Path) -> None:
    with database_of(migrated) as database, database_of(migrated) as another:
        add(database, "a")
        with pytest.raises(ZeroDivisionError), database.writing():
            raise ZeroDivisionError
        with pytest.raises(Exception, match="UNIQUE"):
            add(database, "a")
        add(another, "b")
        assert names(database) == ["a", "b"]


def test_symbolic_links_to_a_database_share_its_lock(migrated: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(migrated)
    with (
        database_of(link) as database,
        database_of(migrated) as another,
        database.writing(),
        pytest.raises(StorageUnavailable) as refused,
    ):
        add(another, "b")

    assert f"{migrated}-lock" in str(refused.value.cause)
    assert not link.with_name("link.db-lock").exists()


def test_a_lock_file_that_cannot_be_opened_is_named_in_the_cause(migrated: Path) -> None:
    Path(f"{migrated}-lock").mkdir()
    with database_of(migrated) as database:
        with pytest.raises(StorageUnavailable) as refused:
            add(database, "b")
        assert names(database) == []

    assert refused.value.cause == f"The lock file {migrated}-lock cannot be used: Is a directory"


def test_a_database_in_memory_has_no_lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Database("sqlite://", connections=1)) as database:
        migrate(database)
        add(database, "a")
        assert names(database) == ["a"]

    assert list(tmp_path.iterdir()) == []
