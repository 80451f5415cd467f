import threading
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from daypass.portal.identity.model import UserKind
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import _ADVISORY_LOCK, SchemaError, check, migrate
from daypass.portal.storage.schema import metadata
from daypass.portal.storage.schema.identity import user_kind, users
from daypass.portal.storage.schema.tenants import memberships, tenants
from tests.fakes import NOON
from tests.fixtures.database import PostgresServer
from tests.portal.forked import PROCESSES
from tests.portal.storage.migrations import migrate_to, schema_and_rows

ONE_DATABASE_ONLY = {"ix_users_last_sign_in", "ix_users_username_trigrams", "ix_tenants_name_trigrams"}
"""Indexes that exist, or can be reflected, on one of the databases only."""

TENANT = {"id": "t" * 32, "name": "dev01", "region": "us-west-2", "role_arn": "", "created_at": NOON}


def test_the_migrations_produce_the_schema(database: Database) -> None:
    def is_compared(_object: object, name: str | None, *_more: object) -> bool:
        return name not in ONE_DATABASE_ONLY

    with database.reading() as connection, warnings.catch_warnings():
        # SQLite cannot reflect indexes on expressions.
        for sentence in ("Skipped unsupported reflection of expression", "autogenerate skipping"):
            warnings.filterwarnings("ignore", sentence)
        context = MigrationContext.configure(connection, opts={"include_object": is_compared})
        difference = compare_metadata(context, metadata)

    assert difference == []


def test_sorted_and_searched_columns_have_indexes_if_the_database_supports_them(database: Database) -> None:
    catalogue = "SELECT name FROM sqlite_master" if database.is_sqlite else "SELECT indexname FROM pg_indexes"
    with database.reading() as connection:
        found = ONE_DATABASE_ONLY & set(connection.scalars(text(catalogue)))

    assert found == ({"ix_users_last_sign_in"} if database.is_sqlite else ONE_DATABASE_ONLY)


def test_postgresql_without_permission_for_pg_trgm_is_migrated(
    postgres: PostgresServer,
) -> None:
    for statement in (
        "CREATE ROLE modest LOGIN",
        "CREATE DATABASE modest",
        "REVOKE ALL ON DATABASE modest FROM PUBLIC",
        "GRANT CONNECT ON DATABASE modest TO modest",
    ):
        postgres.execute(statement)
    owner = Database(postgres.url("modest"), connections=1)
    with owner.writing() as connection:
        connection.execute(text("GRANT ALL ON SCHEMA public TO modest"))
    owner.close()

    database = Database(postgres.url("modest").replace("user=daypass", "user=modest"), connections=1)
    migrate(database)
    with database.reading() as connection:
        found = set(connection.scalars(text("SELECT indexname FROM pg_indexes")))
    database.close()
    postgres.execute("DROP DATABASE modest")
    postgres.execute("DROP ROLE modest")

    assert ONE_DATABASE_ONLY & found == {"ix_users_last_sign_in"}


def test_pg_trgm_in_a_schema_outside_the_search_path_is_used(
    postgres: PostgresServer,
) -> None:
    postgres.execute("CREATE DATABASE tidy")
    database = Database(postgres.url("tidy"), connections=1)
    with database.writing() as connection:
        connection.execute(text('CREATE SCHEMA "Out of sight"'))
        connection.execute(text('CREATE EXTENSION pg_trgm SCHEMA "Out of sight"'))

    migrate(database)
    with database.reading() as connection:
        found = set(connection.scalars(text("SELECT indexname FROM pg_indexes")))
    database.close()
    postgres.execute("DROP DATABASE tidy")

    assert found >= ONE_DATABASE_ONLY


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(tenants).values(TENANT))
    before = schema_and_rows(database)

    migrate(database)

    check(database)
    assert schema_and_rows(database) == before


def _migrate(url: str) -> None:
    # The last process waits for three others, possibly on a busy machine.
    database = Database(url, connections=1, patience=timedelta(minutes=1))
    migrate(database)
    database.close()


def _migrate_concurrently(url: str) -> list[int | None]:
    crowd = [PROCESSES.Process(target=_migrate, args=(url,)) for _ in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(120)
    return [process.exitcode for process in crowd]


def test_concurrent_processes_migrate_an_empty_sqlite_file_once(tmp_path: Path) -> None:
    assert _migrate_concurrently(f"sqlite:///{tmp_path}/new.db") == [0, 0, 0, 0]


def test_concurrent_processes_migrate_an_empty_postgresql_database_once(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE crowd")

    assert _migrate_concurrently(postgres.url("crowd")) == [0, 0, 0, 0]

    # The server may not have noticed yet that all processes have ended.
    postgres.execute("DROP DATABASE crowd WITH (FORCE)")


def test_a_second_migration_waits_until_the_first_is_done(postgres_url: str) -> None:
    # Long enough that a server on a busy machine answers within the factors that the watchdog allows.
    first, second = (Database(postgres_url, patience=timedelta(milliseconds=800)) for _ in range(2))
    waiting = threading.Thread(target=migrate, args=(second,))

    with first.writing() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        waiting.start()
        waiting.join(1.2)
        assert waiting.is_alive()
    waiting.join()

    check(second)
    for database in (first, second):
        database.close()


def test_a_migration_that_waits_for_a_table_does_not_hold_up_requests(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE in_use")
    portal, job = (Database(postgres.url("in_use"), connections=2) for _ in range(2))
    migrate_to(portal, "0018")
    has_waited = threading.Event()
    migrating = threading.Thread(target=migrate, args=(job, None, has_waited.set))

    with portal.snapshot() as export:
        export.execute(text("SELECT * FROM users"))
        migrating.start()
        assert has_waited.wait(60)
        _add_old_rows(portal, "during ")
        with pytest.raises(SchemaError, match="other transactions kept using the tables"):
            migrate(job, patience=timedelta())
        assert migrating.is_alive()
    migrating.join(60)

    check(portal)
    for database in (portal, job):
        database.close()
    postgres.execute("DROP DATABASE in_use")


def test_an_empty_database_is_refused_with_instructions(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")

    with pytest.raises(SchemaError, match=r"is empty\. Run `daypass portal migrate`"):
        check(empty)

    empty.close()


def test_an_older_database_is_refused_with_instructions(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DELETE FROM alembic_version"))

    with pytest.raises(SchemaError, match="Run `daypass portal migrate`"):
        check(database)


_ADD_OLD_USER = (
    "INSERT INTO users (id, username, role, password_hash, created_at) VALUES (:u, :u, 'User', :p, :now)"
)
_ADD_OLD_TOKEN = (
    "INSERT INTO api_tokens (id, digest, kind, name, user_id, created_at, expires_at) "
    "VALUES (:u, :digest, 'browser', 't', :u, :now, :now)"
)
_OLD_USERS = {"dana": "$argon2id$", "ci": None}
"""Users as the release before identity providers inserts them: a person and a service account."""


def _add_old_rows(database: Database, prefix: str) -> None:
    with database.writing() as connection:
        for name, password_hash in _OLD_USERS.items():
            user = prefix + name
            row = {"u": user, "p": password_hash, "now": "2026-01-01 00:00:00+00:00"}
            connection.execute(text(_ADD_OLD_USER), row)
            connection.execute(text(_ADD_OLD_TOKEN), row | {"digest": user.encode()})


def test_users_and_sessions_of_the_previous_release_are_read(empty: Database) -> None:
    database = empty
    migrate_to(database, "0018")
    _add_old_rows(database, "before ")
    migrate(database)
    # Its processes go on while the replicas are replaced one by one.
    _add_old_rows(database, "after ")

    with database.reading() as connection:
        kinds = {row.id: row.user_kind for row in connection.execute(select(users.c.id, user_kind))}
        bearer = TokenStore(connection).find_bearer(b"after dana")
    assert kinds == {
        f"{time} {name}": "service" if password_hash is None else "person"
        for time in ("before", "after")
        for name, password_hash in _OLD_USERS.items()
    }
    assert bearer is not None
    assert bearer.user.kind is UserKind.PERSON
    assert (bearer.token.provider, bearer.token.authenticated_at) == (None, None)


def test_existing_permanent_tokens_of_administrators_are_exempt_from_reauthentication(
    empty: Database,
) -> None:
    database = empty
    migrate_to(database, "0009")
    with database.writing() as connection:
        for user, role in (("admin", "Administrator"), ("dana", "User")):
            connection.execute(
                text("INSERT INTO users (id, username, role, created_at) VALUES (:u, :u, :r, :now)"),
                {"u": user, "r": role, "now": "2026-01-01 00:00:00+00:00"},
            )
            for kind_of_token in ("permanent", "cli", "browser"):
                connection.execute(
                    text(
                        "INSERT INTO api_tokens (id, digest, kind, name, user_id, created_at, expires_at) "
                        "VALUES (:id, :digest, :kind, 't', :u, :now, :now)"
                    ),
                    {
                        "id": f"{user} {kind_of_token}",
                        "digest": f"{user} {kind_of_token}".encode(),
                        "kind": kind_of_token,
                        "u": user,
                        "now": "2026-01-01 00:00:00+00:00",
                    },
                )

    migrate(database)

    with database.reading() as connection:
        exempt = connection.scalars(text("SELECT id FROM api_tokens WHERE reauthentication_exempt"))
        assert list(exempt) == ["admin permanent"]


def test_existing_tokens_keep_the_scopes_of_their_flag(empty: Database) -> None:
    database = empty
    migrate_to(database, "0018")
    now = "2026-01-01 00:00:00+00:00"
    with database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO users (id, username, role, created_at) VALUES ('a', 'a', 'Administrator', :now)"
            ),
            {"now": now},
        )
        for kind, allows_admin in (("permanent", False), ("cli", False), ("approval", True)):
            connection.execute(
                text(
                    "INSERT INTO api_tokens "
                    "(id, digest, kind, name, user_id, created_at, expires_at, allows_admin) "
                    "VALUES (:kind, :digest, :kind, 't', 'a', :now, :now, :allows_admin)"
                ),
                {"kind": kind, "digest": kind.encode(), "now": now, "allows_admin": allows_admin},
            )

    migrate(database)

    with database.reading() as connection:
        for kind, covers_admin in (("permanent", True), ("cli", False), ("approval", True)):
            bearer = TokenStore(connection).find_bearer(kind.encode())
            assert bearer is not None
            assert bearer.token.covers(ADMIN_SCOPE) is covers_admin
            assert bearer.token.covers(Scope.of_tenant("dev01"))


OF_0021 = (
    "INSERT INTO memberships (user_id, tenant_id, is_read_only, created_at) "
    "VALUES (:user, :tenant, :read_only, '2026-11-24 12:00:00')"
)
"""The statement by which a release of schema 0021 adds a member."""

USER_OF_0021 = (
    "INSERT INTO users (id, username, role, created_at) VALUES (:user, :user, 'User', '2026-11-24 12:00:00')"
)


def test_memberships_are_kept_when_they_get_permission_sets(empty: Database) -> None:
    migrate_to(empty, "0021")

    def add(user: str, *, is_read_only: bool) -> None:
        with empty.writing() as connection:
            connection.execute(text(USER_OF_0021), {"user": user})
            values = {"user": user, "tenant": TENANT["id"], "read_only": is_read_only}
            connection.execute(text(OF_0021), values)

    with empty.writing() as connection:
        connection.execute(insert(tenants).values(**TENANT))
    add("dana", is_read_only=True)
    add("noor", is_read_only=False)

    migrate(empty)

    # The statements of the earlier release work still, and rows go with their user and tenant.
    add("rita", is_read_only=False)
    c = memberships.c
    with empty.writing() as connection:
        connection.execute(text("DELETE FROM users WHERE id = 'noor'"))
        rows = connection.execute(select(c.user_id, c.is_read_only, c.permission_set_id).order_by(c.user_id))
        assert [tuple(row) for row in rows] == [("dana", True, None), ("rita", False, None)]
        connection.execute(text("DELETE FROM tenants"))
        assert connection.execute(select(c.user_id)).all() == []
