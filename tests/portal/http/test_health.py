"""Alive is not ready: what a load balancer is told while the database is away, and when it is back."""

import sqlite3
from datetime import timedelta

from daypass.portal.http.front import make_door
from daypass.portal.http.guards import Guards
from daypass.portal.http.health import health_routes
from daypass.portal.http.pool import Pool
from daypass.portal.http.problems import problem
from daypass.portal.storage.engine import Database
from tests.database_fixture import PostgresServer
from tests.portal.http.client import Client
from tests.portal.http.world import DANA, World
from tests.portal.http.world import world as make_world

KEYS = ("/api/v1/sessions", {"tenant": "dev01"})


def test_a_portal_that_is_well_is_alive_and_ready(world: World, client: Client) -> None:
    assert (client.get("/healthz").status, client.get("/healthz").json) == (200, {"status": "ok"})
    assert (client.get("/readyz").status, client.get("/readyz").json) == (
        200,
        {"status": "ready", "database_profile": world.database.profile},
    )
    assert world.broker.assumed == []


def test_a_database_that_crashed_makes_it_unready_and_nothing_is_issued_until_it_is_back(
    crashing_postgres: PostgresServer,
) -> None:
    with make_world(crashing_postgres.url("portal")) as world:
        client, token = world.client(), world.tokens[DANA]
        crashing_postgres.stop()

        alive, ready = client.get("/healthz"), client.get("/readyz")
        ours = client.post(KEYS[0], token, KEYS[1])
        legacy = client.get("/subscriptions/dev01/GetAwsConsoleTokenUrl", token)

        assert (alive.status, ready.status) == (200, 503)
        assert (ours.status, legacy.status) == (503, 503)
        assert ours.json["code"] == "storage_unavailable"
        assert "database cannot be reached" in legacy.json["Message"]
        assert {answer.header("retry-after") for answer in (ready, ours, legacy)} == {"2"}
        assert world.broker.given == []

        crashing_postgres.start()
        again = client.post(KEYS[0], token, KEYS[1])

        assert again.status == 201, again.body


class Time:
    """Passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        """The present moment."""
        return self.now


def test_a_database_that_somebody_keeps_for_himself_makes_it_unready_within_a_second(sqlite_url: str) -> None:
    database, time, pool = Database(sqlite_url, patience=timedelta(milliseconds=20)), Time(), Pool(1)
    client = Client(Guards(make_door(health_routes(database, pool, time), problem)))
    told = [client.get("/readyz").status]

    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    other.execute("BEGIN EXCLUSIVE")
    # An answer stands for a second: asking often must not keep the database busy.
    told.append(client.get("/readyz").status)
    time.now += 1
    told.append(client.get("/readyz").status)
    other.rollback()
    other.close()
    told.append(client.get("/readyz").status)
    time.now += 1
    told.append(client.get("/readyz").status)
    pool.close()
    database.close()

    assert told == [200, 200, 503, 503, 200]
