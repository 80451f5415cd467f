"""The endpoint /metrics: who gets it, in which format, and what it does without the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from daypass.portal.config.model import MetricsConfig
from daypass.portal.secret import Secret
from daypass.portal.telemetry.metrics import LIVE_SESSIONS, OLDEST_ATTEMPT
from daypass.portal.telemetry.metrics_readings import CachedReadings
from tests.portal.http.client import Client
from tests.portal.http.world import ADMIN, DANA, DEV, METRICS_TOKEN, World
from tests.portal.http.world import world as make_world
from tests.portal.telemetry.recorded import Recorded, samples_of

TOKEN = "metrics-token-canary"
TEXT, OPEN_METRICS = "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text"
OPEN_TO_SCRAPERS = MetricsConfig(("127.0.0.1", 0), None)


@contextmanager
def portal(url: str, metrics: MetricsConfig) -> Iterator[World]:
    with make_world(url, metrics=metrics) as created:
        yield created


@pytest.mark.usefixtures("recorded")
def test_the_token_opens_the_metrics_on_the_portals_own_address(world: World) -> None:
    answer = world.client().get("/metrics", METRICS_TOKEN)

    assert (answer.status, answer.header("content-type")) == (200, TEXT)
    assert samples_of(answer.body.decode())["daypass_processes", frozenset()] == 1
    assert answer.header("cache-control") == "no-store"


@pytest.mark.usefixtures("recorded")
def test_a_scraper_that_accepts_openmetrics_gets_it(world: World) -> None:
    accepts = [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")]
    answer = world.client().get("/metrics", METRICS_TOKEN, headers=accepts)

    assert (answer.header("content-type") or "").startswith(OPEN_METRICS)
    assert answer.body.endswith(b"# EOF\n")


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=abc", "text/plain;version=1.x;escaping=y", ";,=", "\xff"]
)
def test_an_invalid_accept_header_gets_a_format_all_the_same(world: World, accept: str) -> None:
    answer = world.client().get("/metrics", METRICS_TOKEN, headers=[("Accept", accept)])

    assert (answer.status, (answer.header("content-type") or "")[:11]) == (200, "text/plain;")


@pytest.mark.parametrize("presented", [None, "x" * 24, "", METRICS_TOKEN[:-1], METRICS_TOKEN + "\xe9"])
def test_a_stranger_gets_401_and_no_redirect(world: World, presented: str | None) -> None:
    answer = world.client().get("/metrics", presented, headers=[("Accept", "text/html")])

    assert answer.status == 401
    assert (answer.header("www-authenticate") or "").startswith("Bearer")
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("location") is None
    assert "DAYPASS_METRICS_TOKEN" in answer.json["detail"]
    assert b"daypass_" not in answer.body


def test_no_users_token_and_no_second_token_opens_the_metrics(world: World) -> None:
    client = world.client()
    both = [("Authorization", f"Bearer {METRICS_TOKEN}")]

    assert client.get("/metrics", world.tokens[ADMIN]).status == 401
    assert client.get("/metrics", world.tokens[ADMIN], headers=both).status == 401
    assert client.get("/api/v1/me", METRICS_TOKEN).status == 401


@pytest.mark.parametrize("config", [MetricsConfig(), OPEN_TO_SCRAPERS])
def test_without_a_token_the_path_is_unknown(sqlite_url: str, config: MetricsConfig) -> None:
    with portal(sqlite_url, config) as world:
        answer, unknown = (world.client().get(path, METRICS_TOKEN) for path in ("/metrics", "/nothing"))

    assert (answer.status, answer.header("content-type")) == (404, unknown.header("content-type"))
    assert answer.json["detail"] == unknown.json["detail"]


@pytest.mark.usefixtures("recorded")
def test_the_listener_asks_for_no_token_and_serves_nothing_else(sqlite_url: str) -> None:
    with portal(sqlite_url, MetricsConfig(("127.0.0.1", 0), Secret(TOKEN))) as world:
        assert world.portal.metrics_app is not None
        client = Client(world.portal.metrics_app)
        answer, head = client.get("/metrics"), client.send("HEAD", "/metrics")
        others = [client.get(path).status for path in ("/", "/healthz", "/sign-in", "/metrics/", "/metricsx")]
        posted = client.post("/metrics")

    assert (answer.status, head.status, head.body) == (200, 200, b"")
    assert others == [404] * 5
    assert (posted.status, posted.header("allow")) in {(405, "GET, HEAD"), (405, "HEAD, GET")}


def test_without_a_listener_there_is_no_application_for_it(world: World) -> None:
    assert world.portal.metrics_app is None


def test_live_sessions_and_the_oldest_open_attempt_are_read(recorded: Recorded, world: World) -> None:
    class ProcessDied(BaseException):
        """Nothing handles it."""

    client = world.client()
    client.post("/api/v1/sessions", world.tokens[DANA], {"tenant": DEV.name})
    world.broker.assume_error = ProcessDied()
    with pytest.raises(ProcessDied):
        client.post("/api/v1/sessions", world.tokens[DANA], {"tenant": DEV.name})
    world.clock.move(timedelta(seconds=42))

    samples = samples_of(client.get("/metrics", METRICS_TOKEN).body.decode())

    assert samples["daypass_live_sessions", frozenset()] == 1
    assert samples["daypass_oldest_unsettled_attempt_age_seconds", frozenset()] == 42
    assert recorded.change("daypass_metrics_read_errors_total") == 0


def test_expired_and_missing_sessions_are_not_live(world: World, recorded: Recorded) -> None:
    client = world.client()
    client.post("/api/v1/sessions", world.tokens[DANA], {"tenant": DEV.name})
    world.clock.move(timedelta(hours=12))

    samples = samples_of(client.get("/metrics", METRICS_TOKEN).body.decode())

    assert samples["daypass_live_sessions", frozenset()] == 0
    assert samples["daypass_oldest_unsettled_attempt_age_seconds", frozenset()] == 0
    assert recorded.change("daypass_metrics_read_errors_total") == 0


def test_a_database_that_fails_does_not_fail_the_scrape(recorded: Recorded, world: World) -> None:
    with world.database.writing() as connection:
        connection.execute(text("DROP TABLE issuances"))

    answer = world.client().get("/metrics", METRICS_TOKEN)

    samples = samples_of(answer.body.decode())
    assert answer.status == 200
    assert samples["daypass_processes", frozenset()] == 1
    assert not {name for name, _ in samples} & {LIVE_SESSIONS.name, OLDEST_ATTEMPT.name}
    # The scrape that failed to read counts its own error.
    assert samples["daypass_metrics_read_errors_total", frozenset()] == 1 + recorded.before(
        "daypass_metrics_read_errors_total"
    )


def test_a_database_that_does_not_answer_delays_one_scrape_for_its_patience_only(recorded: Recorded) -> None:
    now, asked, answer, reads = [100.0], threading.Event(), threading.Event(), []

    def hang() -> dict[object, float]:
        reads.append(now[0])
        asked.set()
        answer.wait(20)
        return {LIVE_SESSIONS: 1.0, OLDEST_ATTEMPT: 2.0}

    readings = CachedReadings(hang, lambda: now[0], timedelta(milliseconds=20))  # type: ignore[arg-type]  # narrower

    assert readings() == {}
    # The patience may be over before the thread of the read runs.
    assert asked.wait(60)
    now[0] += 60
    # Only one read runs at a time, so the second scrape does not wait at all.
    assert readings() == {}
    assert reads == [100.0]
    answer.set()
    assert recorded.change("daypass_metrics_read_errors_total") == 2


def test_readings_are_reused_for_some_seconds() -> None:
    now, reads = [100.0], []

    def read() -> dict[object, float]:
        reads.append(now[0])
        return {LIVE_SESSIONS: float(len(reads))}

    readings = CachedReadings(read, lambda: now[0], timedelta(seconds=20))  # type: ignore[arg-type]  # narrower

    assert readings() == {LIVE_SESSIONS: 1.0}
    now[0] += 9.9
    assert readings() == {LIVE_SESSIONS: 1.0}
    now[0] += 0.1
    assert readings() == {LIVE_SESSIONS: 2.0}
