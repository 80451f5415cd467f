"""A PostgreSQL server that stops answering blocks no thread beyond its deadline."""

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
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied

PATIENCE = timedelta(seconds=1)
SOON = 10 * PATIENCE.total_seconds()
"""The time limit in seconds for every answer, also on a busy machine."""

BORROW = {"reading": Database.reading, "writing": Database.writing, "snapshot": Database.snapshot}


def backend(connection: Connection) -> int:
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    assert isinstance(pid, int)
    return pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Suspend one backend of the server with SIGSTOP."""
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
def test_a_thread_waiting_for_a_stopped_backend_gets_an_error_in_time(impatient: Database, way: str) -> None:
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
def test_a_connection_whose_backend_stopped_while_idle_is_replaced(impatient: Database, way: str) -> None:
    with impatient.reading() as connection:
        pid = backend(connection)

    with stopped(pid), BORROW[way](impatient) as connection:
        assert backend(connection) != pid


def test_a_server_that_vanished_is_used_again_after_its_return(
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


def test_an_unconfirmed_commit_raises_storage_unavailable(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url):
        database = Database(url, connections=1, patience=PATIENCE)

        with pytest.raises(StorageUnavailable), database.writing() as connection:
            connection.execute(text("CREATE TABLE durable (id INTEGER)"))
            proxy.withhold_answer_to(b"COMMIT")

        assert proxy.swallowed.is_set()
        with database.reading() as connection:
            assert connection.scalar(text("SELECT count(*) FROM durable")) == 0
        database.close()


def test_an_exception_of_the_caller_is_not_replaced_by_a_timeout(impatient: Database) -> None:
    with pytest.raises(ZeroDivisionError), impatient.writing() as connection:
        connection.execute(text("SELECT pg_sleep(1)"))
        connection.execute(text("SELECT pg_sleep(1)"))
        raise ZeroDivisionError


def test_the_servers_lock_timeout_fires_before_the_client_deadline(impatient: Database) -> None:
    with impatient.writing() as first:
        first.execute(text("LOCK TABLE users"))
        with pytest.raises(StorageLocked), impatient.writing() as second:
            second.execute(text("LOCK TABLE users"))
