import multiprocessing
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import _ADVISORY_LOCK, SchemaError, check, migrate
from daypass.portal.storage.schema import metadata
from tests.database_fixture import PostgresServer


def test_the_migrations_lead_to_the_schema(database: Database) -> None:
    with database.reading() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)

    assert difference == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database)

    check(database)


def _migrate(url: str) -> None:
    database = Database(url, connections=1)
    migrate(database)
    database.close()


def _migrate_in_a_crowd(url: str) -> list[int | None]:
    # Not forked: a thread of this process may hold a lock that a fork would copy.
    spawn = multiprocessing.get_context("spawn")
    crowd = [spawn.Process(target=_migrate, args=(url,)) for _ in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    return [process.exitcode for process in crowd]


def test_a_crowd_migrates_an_empty_sqlite_file_once(tmp_path: Path) -> None:
    assert _migrate_in_a_crowd(f"sqlite:///{tmp_path}/new.db") == [0, 0, 0, 0]


def test_a_crowd_migrates_an_empty_postgresql_database_once(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE crowd")

    assert _migrate_in_a_crowd(postgres.url("crowd")) == [0, 0, 0, 0]

    postgres.execute("DROP DATABASE crowd")


def test_whoever_comes_second_waits_as_long_as_the_first_migrates(postgres_url: str) -> None:
    first, second = (Database(postgres_url, patience=timedelta(milliseconds=100)) for _ in range(2))
    waiting = threading.Thread(target=migrate, args=(second,))

    with first.writing() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        waiting.start()
        waiting.join(0.4)
        assert waiting.is_alive()
    waiting.join()

    check(second)
    for database in (first, second):
        database.close()


def test_an_empty_database_is_refused_with_what_to_do(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")

    with pytest.raises(SchemaError, match=r"is empty\. Run `daypass portal migrate`"):
        check(empty)

    empty.close()


def test_a_newer_database_is_neither_used_nor_migrated(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match="newer version of Daypass"):
        check(database)
    with pytest.raises(SchemaError, match="newer version of Daypass"):
        migrate(database)


def test_an_older_database_is_refused_with_what_to_do(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DELETE FROM alembic_version"))

    with pytest.raises(SchemaError, match="Run `daypass portal migrate`"):
        check(database)
