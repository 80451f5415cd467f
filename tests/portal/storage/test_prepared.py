"""Precompiled statements: values survive a round trip, and errors are SQLAlchemy's exceptions."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.schema.tenants import memberships, tenants
from tests.fixtures.database import PostgresServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEPAL = timezone(timedelta(hours=5, minutes=45))

ADD = Prepared(insert(users), columns=("id", "username", "role", "created_at"))
FIND = Prepared(
    select(users.c.id, users.c.role.label("kind"), users.c.created_at, users.c.disabled_at)
    .where(
        or_(users.c.id == bindparam("name"), users.c.username == bindparam("name")), users.c.role == "User"
    )
    .order_by(users.c.id)
)
DISABLE = Prepared(
    update(users).where(users.c.id == bindparam("ended")).values(disabled_at=bindparam("ended_at"))
)


def _row(name: str, created_at: datetime = NOON) -> dict[str, object]:
    return {"id": name, "username": f"{name}@example.com", "role": "User", "created_at": created_at}


def test_values_are_read_with_the_types_they_were_written_with(database: Database) -> None:
    with database.writing() as connection:
        ADD.run(connection, [_row("dana", NOON.astimezone(NEPAL)), _row("noor")])
        DISABLE.run(connection, [{"ended": "noor", "ended_at": NOON}])

    with database.reading() as connection:
        dana = FIND.first(connection, {"name": "dana"})
        noor = FIND.all(connection, {"name": "noor@example.com"})

        assert (dana.id, dana.kind, dana.created_at, dana.disabled_at) == ("dana", "User", NOON, None)
        assert [row.disabled_at for row in noor] == [NOON]
        assert FIND.first(connection, {"name": "nobody"}) is None


def test_a_prepared_query_returns_the_same_rows_as_sqlalchemy(database: Database) -> None:
    token = {
        "id": "t",
        "digest": bytes(range(32)),
        "kind": "permanent",
        "name": "n",
        "user_id": "dana",
        "created_at": NOON,
        "expires_at": NOON,
    }
    tenant = {"id": "1", "name": "dev01", "region": "r", "role_arn": "arn", "created_at": NOON}
    member = {"user_id": "dana", "tenant_id": "1", "is_read_only": True, "created_at": NOON}
    with database.writing() as connection:
        for table, row in (
            (users, _row("dana")),
            (api_tokens, token),
            (tenants, tenant),
            (memberships, member),
        ):
            connection.execute(insert(table), row)

    query = select(api_tokens, memberships.c.is_read_only).join(
        memberships, memberships.c.user_id == api_tokens.c.user_id
    )
    with database.reading() as connection:
        by_sqlalchemy = connection.execute(query).one()

        assert Prepared(query).first(connection, {}) == tuple(by_sqlalchemy)


def test_rows_of_one_run_are_rolled_back_together(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        ADD.run(connection, [_row("lost")])
        raise ZeroDivisionError

    with database.reading() as connection:
        assert FIND.all(connection, {"name": "lost"}) == []


def test_a_constraint_violation_is_not_reported_as_an_outage(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.writing() as connection:
        ADD.run(connection, [_row("dana"), _row("dana")])

    assert "dana" not in str(caught.value.statement)


def test_a_locked_database_is_reported_as_an_outage(sqlite_url: str) -> None:
    first = Database(sqlite_url)
    second = Database(sqlite_url, patience=timedelta(milliseconds=20))

    with first.writing(), pytest.raises(StorageUnavailable), second.writing() as connection:
        ADD.run(connection, [_row("dana")])

    first.close()
    second.close()


def test_a_stopped_server_is_reported_as_an_outage_until_it_is_back(
    crashing_postgres: PostgresServer,
) -> None:
    database = Database(crashing_postgres.url("portal"), connections=1)
    with pytest.raises(StorageUnavailable), database.reading() as connection:
        FIND.all(connection, {"name": "dana"})
        crashing_postgres.stop()
        FIND.all(connection, {"name": "dana"})

    crashing_postgres.start()

    with database.reading() as connection:
        assert FIND.all(connection, {"name": "dana"}) == []
    database.close()


def test_a_damaged_file_is_reported_as_an_outage(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    database = Database(f"sqlite:///{tmp_path / 'broken.db'}")

    with pytest.raises(StorageUnavailable), database.reading() as connection:
        FIND.all(connection, {"name": "dana"})
    database.close()


def test_a_text_is_no_value_of_a_binary_column(database: Database) -> None:
    add = Prepared(insert(api_tokens), columns=("id", "digest"))

    with database.writing() as connection, pytest.raises(TypeError, match="a str cannot be stored as bytes"):
        add.run(connection, [{"id": "t", "digest": "text"}])
