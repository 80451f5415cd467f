"""Sessions through a real PgBouncer in transaction mode, compared with direct sessions."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, literal, select, text

from daypass.portal.storage.columns import Epoch, utc_day
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pooler import Profile
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.identity import last_sign_in, users
from daypass.portal.storage.schema.tenants import tenants
from tests.fixtures.database import PostgresServer
from tests.fixtures.pgbouncer import ZONE, PgBouncer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

# Both have one parameter, so a session that runs another client's prepared statement reads the wrong table.
FIND_USER = Prepared(select(users.c.username).where(users.c.id == bindparam("id")))
FIND_TENANT = Prepared(select(tenants.c.name).where(tenants.c.id == bindparam("id")))


@pytest.fixture(params=["options", "extra_float_digits"], ids=["drops options", "refuses options"])
def pooler(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[PgBouncer]:
    """A PgBouncer with two server sessions, so that clients have to share them."""
    made = PgBouncer(postgres, ignored=request.param, connections=2)
    yield made
    made.remove()


@pytest.fixture
def lent(postgres: PostgresServer) -> Iterator[str]:
    """Return the name of a migrated database."""
    name = postgres.lend()
    yield name
    postgres.take_back(name)


def _lock_timeout(connection: Connection) -> object:
    return connection.scalar(text("SHOW lock_timeout"))


def test_a_pooler_is_detected_whether_it_refuses_or_drops_startup_options(
    pooler: PgBouncer, lent: str
) -> None:
    database = Database(pooler.url(lent))
    with database.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1

    assert database.profile is Profile.POOLED
    database.close()


def test_a_pooler_is_detected_although_the_server_has_the_portals_settings(
    postgres: PostgresServer, pgbouncer: PgBouncer, lent: str
) -> None:
    for setting in ("lock_timeout = 5000", "timezone = 'UTC'"):
        postgres.execute(f"ALTER DATABASE {lent} SET {setting}")
    database = Database(pgbouncer.url(lent))
    with database.reading() as connection:
        assert _lock_timeout(connection) == "5s"

    assert database.profile is Profile.POOLED
    database.close()
    postgres.execute(f"ALTER DATABASE {lent} RESET ALL")


def test_clients_that_share_sessions_of_a_pooler_get_their_own_results(pooler: PgBouncer, lent: str) -> None:
    databases = [Database(pooler.url(lent)) for _ in range(2)]
    with databases[0].writing() as connection:
        user = {"id": "1", "username": "dana", "role": "User", "created_at": NOON}
        connection.execute(insert(users), user)
        tenant = {"id": "1", "name": "dev01", "region": "r", "role_arn": "arn", "created_at": NOON}
        connection.execute(insert(tenants), tenant)
    seen: set[object] = set()

    def ask(database: Database, is_first: bool) -> None:
        for _ in range(40):
            try:
                with database.reading() if is_first else database.writing() as connection:
                    seen.add(
                        (is_first, (FIND_USER if is_first else FIND_TENANT).first(connection, {"id": "1"}))
                    )
            except Exception as error:
                seen.add(str(error.__cause__))

    threads = [threading.Thread(target=ask, args=(databases[n % 2], n % 2 == 0)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert seen == {(True, ("dana",)), (False, ("dev01",))}
    for database in databases:
        database.close()


def test_every_transaction_through_a_pooler_sets_the_lock_timeout(pooler: PgBouncer, lent: str) -> None:
    database = Database(pooler.url(lent), patience=timedelta(milliseconds=1700))

    with database.writing() as one, database.snapshot() as other:
        assert [_lock_timeout(one), _lock_timeout(other)] == ["1700ms", "1700ms"]

    with database.reading() as connection:
        assert _lock_timeout(connection) == "0"
    database.close()


def test_a_direct_session_has_the_settings_and_prepares_statements(postgres_url: str) -> None:
    database = Database(postgres_url, connections=1)
    with database.reading() as connection:
        for _ in range(7):
            FIND_USER.first(connection, {"id": "1"})
        prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
        settings = [_lock_timeout(connection), connection.scalar(text("SHOW timezone"))]

    assert (database.profile, settings, prepared) == (Profile.DIRECT, ["5s", "UTC"], 1)
    database.close()


def test_a_pooler_that_replaces_the_server_later_is_detected(
    postgres: PostgresServer, pgbouncer: PgBouncer, lent: str, tmp_path: Path
) -> None:
    address = tmp_path / "server"
    address.symlink_to(postgres.folder)
    database = Database(f"postgresql:///{lent}?host={address}&user=daypass", connections=2)

    with database.reading() as direct:
        assert (_lock_timeout(direct), database.profile) == ("5s", Profile.DIRECT)
        address.unlink()
        address.symlink_to(pgbouncer.folder)
        with database.reading() as pooled:
            drivers = [each.connection.dbapi_connection for each in (direct, pooled)]
            # The connection stays borrowed, so that the next one is opened through the pooler as well.
            assert _lock_timeout(pooled) == "0"

    assert database.profile is Profile.POOLED
    assert [getattr(driver, "prepare_threshold", "") for driver in drivers] == [5, None]
    with database.writing() as one, database.writing() as other:
        assert [_lock_timeout(each) for each in (one, other)] == ["5s", "5s"]
    database.close()


def test_days_and_the_epoch_are_in_utc_in_any_session_time_zone(database: Database) -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    row = {"id": "1", "username": "dana", "role": "User", "created_at": late}
    with database.writing() as connection:
        connection.execute(insert(users), row)

    with database.reading() as connection:
        day = connection.scalar(select(utc_day(connection, users.c.created_at)))
        never = connection.scalar(select(last_sign_in))
        is_epoch = connection.scalar(select(Epoch() == literal(datetime(1970, 1, 1, tzinfo=UTC), Epoch.type)))

    assert (str(day), never, is_epoch) == ("2026-03-01", datetime(1970, 1, 1, tzinfo=UTC), True)


def test_the_test_pooler_has_sessions_in_another_time_zone(pgbouncer_url: str) -> None:
    database = Database(pgbouncer_url)
    with database.reading() as connection:
        assert connection.scalar(text("SHOW timezone")) == ZONE
    database.close()


def test_sorting_by_last_sign_in_uses_the_index_in_any_session_time_zone(
    pgbouncer_url: str,
) -> None:
    database = Database(pgbouncer_url)
    query = select(users.c.id).order_by(last_sign_in, users.c.id).limit(1)
    with database.writing() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        sql = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {sql}")))

    assert "ix_users_last_sign_in" in plan
    database.close()
