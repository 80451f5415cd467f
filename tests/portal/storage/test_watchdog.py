"""A PostgreSQL server that stops answering holds no thread for longer than its deadline."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import Connection, text

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database, StorageLocked
from tests.database_fixture import PostgresServer
from tests.proxy_fixture import proxied

PATIENCE = timedelta(seconds=1)
SOON = 10 * PATIENCE.total_seconds()
"""Seconds within which everything is answered, also on a busy machine."""

BORROW = {"reading": Database.reading, "writing": Database.writing, "snapshot": Database.snapshot}


def backend(connection: Connection) -> int:
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    assert isinstance(pid, int)
    return pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop one backend of the server, as `kill -STOP` does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def impatient(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url, connections=4, patience=PATIENCE)
    yield database
    database.close()


@pytest.mark.parametrize("way", BORROW)
def test_a_stopped_backend_frees_the_thread_that_waits_for_it(impatient: Database, way: str) -> None:
    started = monotonic()
    with (
        pytest.raises(StorageUnavailable),
        BORROW[way](impatient) as connection,
        stopped(backend(connection)),
    ):
        connection.execute(text("SELECT 1"))
    assert monotonic() - started < SOON

    with impatient.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("way", BORROW)
def test_a_backend_that_stopped_while_idle_is_replaced_by_a_new_one(impatient: Database, way: str) -> None:
    with impatient.reading() as connection:
        pid = backend(connection)

    with stopped(pid), BORROW[way](impatient) as connection:
        assert backend(connection) != pid


def test_a_server_that_vanishes_and_comes_back_is_used_again(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url):
        database = Database(url, connections=1, patience=PATIENCE)
        with database.reading() as connection:
            backend(connection)

        proxy.vanish()
        for way in BORROW.values():
            started = monotonic()
            with pytest.raises(StorageUnavailable), way(database) as connection:
                connection.execute(text("SELECT 1"))
            assert monotonic() - started < SOON
        proxy.come_back()

        with database.writing() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        database.close()


def test_a_commit_without_an_answer_is_unavailable(postgres: PostgresServer, postgres_url: str) -> None:
    with proxied(postgres, postgres_url) as (proxy, url):
        database = Database(url, connections=1, patience=PATIENCE)

        with pytest.raises(StorageUnavailable), database.writing() as connection:
            connection.execute(text("CREATE TABLE durable (id INTEGER)"))
            proxy.withhold_answer_to(b"COMMIT")

        assert proxy.swallowed.is_set()
        with database.reading() as connection:
            assert connection.scalar(text("SELECT count(*) FROM durable")) == 0
        database.close()


def test_an_exception_of_the_caller_is_not_replaced_when_its_time_is_up(impatient: Database) -> None:
    with pytest.raises(ZeroDivisionError), impatient.writing() as connection:
        connection.execute(text("SELECT pg_sleep(1)"))
        connection.execute(text("SELECT pg_sleep(1)"))
        raise ZeroDivisionError


def test_a_lock_that_is_held_is_reported_by_the_server_before_the_deadline(impatient: Database) -> None:
    with impatient.writing() as first:
        first.execute(text("LOCK TABLE users"))
        with pytest.raises(StorageLocked), impatient.writing() as second:
            second.execute(text("LOCK TABLE users"))
