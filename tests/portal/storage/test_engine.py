import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from daypass.portal.config.variables import ConfigError
from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database, parse_url
from daypass.portal.storage.schema.identity import users
from tests.fixtures.database import PostgresServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEPAL = timezone(timedelta(hours=5, minutes=45))


def _row(name: str, created_at: datetime = NOON) -> dict[str, object]:
    return {"id": name, "username": name, "role": "User", "created_at": created_at}


@pytest.mark.parametrize("url", ["postgres://me@host/name", "postgresql://me@host/name"])
def test_every_postgresql_scheme_selects_the_same_driver(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://me@host/name", "sqlite+aiosqlite:///x.db"])
def test_an_unsupported_url_is_refused_and_the_message_names_the_variable(url: str) -> None:
    with pytest.raises(ConfigError, match="DAYPASS_DATABASE_URL must have the form"):
        Database(url)


def test_a_transaction_is_committed_or_rolled_back(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(users), _row("kept"))
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(insert(users), _row("lost"))
        raise ZeroDivisionError

    with database.reading() as connection:
        assert list(connection.scalars(select(users.c.id))) == ["kept"]


def test_a_reader_sees_commits_of_others_at_once(database: Database) -> None:
    with database.reading() as reader:
        assert list(reader.scalars(select(users.c.id))) == []
        with database.writing() as connection:
            connection.execute(insert(users), _row("new"))

        assert list(reader.scalars(select(users.c.id))) == ["new"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    moment=st.datetimes(
        min_value=datetime(1900, 1, 2),  # noqa: DTZ001  hypothesis wants its bounds without a zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001  likewise
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))]
        ),
    )
)
def test_a_datetime_is_returned_in_utc(database: Database, moment: datetime) -> None:
    with database.writing() as connection:
        connection.execute(users.delete())
        connection.execute(insert(users), _row("x", moment))

    with database.reading() as connection:
        stored = connection.scalar(select(users.c.created_at))

    assert stored == moment
    assert stored is not None
    assert stored.utcoffset() == timedelta(0)


def test_a_naive_datetime_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without a time zone"), database.writing() as connection:
        connection.execute(insert(users), _row("x", datetime(2026, 1, 1)))  # noqa: DTZ001  that is what is refused


def test_a_sqlite_file_is_synced_to_disk_and_checks_foreign_keys(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.reading() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_full_disk_raises_storage_unavailable_until_there_is_space(sqlite_url: str) -> None:
    database = Database(sqlite_url, connections=1)
    with database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(StorageUnavailable), database.writing() as connection:
        connection.execute(insert(users), [_row(f"user{number}" + "x" * 200) for number in range(500)])
    with database.reading() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    with database.writing() as connection:
        connection.execute(insert(users), _row("after"))

    with database.reading() as connection:
        assert list(connection.scalars(select(users.c.id))) == ["after"]
    database.close()


def test_a_restarted_postgresql_server_is_used_again(crashing_postgres: PostgresServer) -> None:
    database = Database(crashing_postgres.url("portal"))
    with database.reading() as connection:
        assert list(connection.scalars(select(users.c.id))) == []

    crashing_postgres.stop()
    with pytest.raises(StorageUnavailable), database.reading() as connection:
        connection.execute(select(users.c.id))
    crashing_postgres.start()
    with database.writing() as connection:
        connection.execute(insert(users), _row("after"))

    with database.reading() as connection:
        assert list(connection.scalars(select(users.c.id))) == ["after"]
    database.close()


def test_a_missing_database_raises_storage_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/no/such/folder/daypass.db")

    with pytest.raises(StorageUnavailable), database.reading():
        pass


def test_a_file_that_is_not_a_database_raises_storage_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "daypass.db"
    path.write_bytes(b"something else entirely" * 100)
    database = Database(f"sqlite:///{path}")

    with pytest.raises(StorageUnavailable), database.reading() as connection:
        connection.execute(select(users.c.id))


def test_waiting_for_a_locked_row_ends_at_the_timeout(database_url: str) -> None:
    database = Database(database_url, patience=timedelta(milliseconds=800))
    with database.writing() as connection:
        connection.execute(insert(users), _row("dana"))

    with database.writing() as first:
        first.execute(users.update().values(role="Administrator"))
        with pytest.raises(StorageUnavailable), database.writing() as second:
            second.execute(users.update().values(role="User"))

    with database.reading() as connection:
        assert list(connection.scalars(select(users.c.role))) == ["Administrator"]
    database.close()


def test_an_exhausted_connection_pool_raises_a_busy_error(database_url: str) -> None:
    database = Database(database_url, connections=1, patience=timedelta(milliseconds=800))

    with database.reading():  # noqa: SIM117  the second is the one that fails
        with pytest.raises(StorageUnavailable, match="busy"), database.reading():
            pass
    database.close()


def test_a_waiting_thread_gets_the_returned_connection(database_url: str) -> None:
    database = Database(database_url, connections=1, patience=timedelta(hours=1))
    seen: list[object] = []

    def read() -> None:
        with database.reading() as connection:
            seen.append(connection.scalar(text("SELECT 1")))

    with database.reading():
        waiting = [threading.Thread(target=read, daemon=True) for _ in range(3)]
        for thread in waiting:
            thread.start()
    for thread in waiting:
        thread.join(20)

    assert seen == [1, 1, 1]
    database.close()


def test_closing_closes_every_connection_that_was_opened(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.reading() as one, database.reading() as other:
        drivers = [each.connection.driver_connection for each in (one, other)]
    database.close()

    for driver in drivers:
        assert driver is not None
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            driver.execute("SELECT 1")


def test_a_failed_commit_leaves_no_data_and_no_lock(database: Database) -> None:
    fails = "CREATE TABLE later (id VARCHAR REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)"
    with database.writing() as connection:
        connection.execute(text(fails))
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(text("INSERT INTO later VALUES ('nobody')"))

    with database.reading() as one, database.reading() as other:
        assert [each.scalar(text("SELECT count(*) FROM later")) for each in (one, other)] == [0, 0]
        with database.writing() as connection:
            connection.execute(insert(users), _row("after"))


def test_a_snapshot_is_consistent_and_blocks_no_writer(database: Database) -> None:
    with database.snapshot() as reader:
        assert list(reader.scalars(select(users.c.id))) == []
        with database.writing() as connection:
            connection.execute(insert(users), _row("new"))

        assert list(reader.scalars(select(users.c.id))) == []


def test_sqlite_does_not_load_the_postgresql_driver(tmp_path: Path) -> None:
    script = (
        "import sys; from daypass.portal.storage import engine, migrate;"
        f"database = engine.Database('sqlite:///{tmp_path}/daypass.db'); migrate.migrate(database);"
        "sys.exit('psycopg' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
