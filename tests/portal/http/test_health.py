"""Liveness and readiness while the database is unavailable, and after its recovery."""

import asyncio
import json
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from sqlalchemy import func, select

from daypass.portal.access.issuing_status import CredentialStatus, IssuingStatus, always_issuing
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.readiness_probe import WriteProbe
from daypass.portal.errors import AwsMisconfigured, AwsThrottled, AwsTrustRefused, AwsUnavailable
from daypass.portal.http.core.dispatcher import make_channel_app
from daypass.portal.http.core.middleware import RequestMiddleware
from daypass.portal.http.core.problems import problem
from daypass.portal.http.core.routing import exact
from daypass.portal.http.health import Readiness
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.operation import replica_probes
from tests.fakes import NOON, FakeClock
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied
from tests.portal.audit.test_log import Gate
from tests.portal.forked import PROCESSES
from tests.portal.http.client import Client
from tests.portal.http.world import DANA, World
from tests.portal.http.world import world as make_world

KEYS = ("/api/v1/sessions", {"tenant": "dev01"})


def test_a_healthy_portal_is_alive_and_ready(world: World, client: Client) -> None:
    assert (client.get("/healthz").status, client.get("/healthz").json) == (200, {"status": "ok"})
    assert (client.get("/readyz").status, client.get("/readyz").json) == (
        200,
        {"status": "ready", "issuing": True},
    )
    assert world.broker.assumed == []


def test_a_crashed_database_makes_the_portal_unready_and_stops_issuing_until_it_is_back(
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
        assert world.broker.issued_credentials == []

        crashing_postgres.start()
        again = client.post(KEYS[0], token, KEYS[1])

        assert again.status == 201, again.body


class Time:
    """A monotonic clock that tests advance."""

    now = 100.0

    def __call__(self) -> float:
        """Return the current time in seconds."""
        return self.now


def prober(
    write: Callable[[], None],
    time: Callable[[], float],
    issuing: Callable[[], IssuingStatus] = always_issuing,
    patience: timedelta = timedelta(seconds=20),
) -> Client:
    readiness = Readiness(write, issuing, time, patience)
    return Client(RequestMiddleware(make_channel_app([exact("GET", "/readyz", readiness)], problem)))


@contextmanager
def probing(url: str, patience: timedelta) -> Iterator[tuple[Database, Committer, Client, Time]]:
    """Yield a probe with a database of its own."""
    database, time = Database(url, patience=patience), Time()
    committer = Committer(database, lambda: NOON)
    try:
        # SQLite does not write a row that does not change.
        probe = WriteProbe(database, committer, lambda: NOON + timedelta(seconds=time.now))
        yield database, committer, prober(probe, time), time
    finally:
        committer.close()
        database.close()


def test_a_locked_database_makes_the_portal_unready_within_a_second(sqlite_url: str) -> None:
    with probing(sqlite_url, timedelta(milliseconds=20)) as (_, _, client, time):
        statuses = [client.get("/readyz").status]

        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
        other.execute("BEGIN EXCLUSIVE")
        # An answer is reused for a second, so that frequent probes do not load the database.
        statuses.append(client.get("/readyz").status)
        time.now += 1
        statuses.append(client.get("/readyz").status)
        other.rollback()
        other.close()
        statuses.append(client.get("/readyz").status)
        time.now += 1
        statuses.append(client.get("/readyz").status)

    assert statuses == [200, 200, 503, 503, 200]


def _probe_with_a_full_disk(url: str, answers: "Connection[object, object]") -> None:
    # The limit also applies to the log file of the test, so the log is written elsewhere.
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    with probing(url, timedelta(seconds=5)) as (_, _, client, time):
        for limit in (resource.RLIM_INFINITY, 1, resource.RLIM_INFINITY):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            time.now += 1
            answers.send(client.get("/readyz").status)


def test_a_full_disk_makes_the_portal_unready_until_there_is_space(sqlite_url: str) -> None:
    reading, writing = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_probe_with_a_full_disk, args=(sqlite_url, writing))
    process.start()
    writing.close()
    process.join(60)

    assert [reading.recv() for _ in range(3)] == [200, 503, 200]


def test_a_read_only_postgresql_makes_the_portal_unready(postgres: PostgresServer, postgres_url: str) -> None:
    name = urlsplit(postgres_url).path.removeprefix("/")
    statuses = []
    try:
        for command in ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"):
            postgres.execute(f"ALTER DATABASE {name} {command}")
            # The setting applies to new connections.
            with probing(postgres_url, timedelta(seconds=5)) as (_, _, client, _):
                statuses.append(client.get("/readyz").status)
    finally:
        postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    assert statuses == [503, 200]


def test_an_unreachable_database_server_makes_the_portal_unready_before_the_write_has_failed(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url), make_world(url) as world:
        proxy.vanish()
        answer = world.client().get("/readyz")
        is_writing = any(thread.name == "readiness" for thread in threading.enumerate())
        proxy.come_back()

    assert (answer.status, answer.json["detail"]) == (
        503,
        "The portal's database does not complete a write in time.",
    )
    assert is_writing


def test_a_hanging_write_makes_the_portal_unready_and_runs_only_once(database: Database) -> None:
    committer, time = Committer(database, lambda: NOON), Time()
    probe, calls = WriteProbe(database, committer, lambda: NOON), list[float]()

    def write() -> None:
        calls.append(time.now)
        probe()

    client = prober(write, time, patience=timedelta(milliseconds=100))
    gate = Gate(committer)
    statuses = []
    for _ in range(3):
        statuses.append(client.get("/readyz").status)
        time.now += 1
    gate.open()
    committer.close()
    statuses.append(prober(write, time).get("/readyz").status)

    assert statuses == [503, 503, 503, 200]
    assert len(calls) == 2


def test_many_probes_at_once_share_one_write() -> None:
    calls: list[int] = []
    client = prober(lambda: calls.append(1), Time())

    async def at_once() -> list[int]:
        answers = await asyncio.gather(*(client.exchange("GET", "/readyz") for _ in range(20)))
        return [answer.status for answer in answers]

    assert asyncio.run(at_once()) == [200] * 20
    assert calls == [1]


def test_an_unexpected_exception_makes_the_portal_unready() -> None:
    def break_() -> None:
        raise ZeroDivisionError

    answer = prober(break_, Time()).get("/readyz")

    assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")


def test_an_unexpected_exception_is_logged_again_after_a_recovery(log: StringIO) -> None:
    began, time, writes = len(log.getvalue()), Time(), iter([False, False, True, False])

    def write() -> None:
        if not next(writes):
            raise ZeroDivisionError

    client = prober(write, time)
    for _ in range(4):
        client.get("/readyz")
        time.now += 1

    lines = [json.loads(text) for text in log.getvalue()[began:].splitlines()]
    events = [line["event"] for line in lines if line.get("operation") == "readiness"]
    assert events == ["error", "recovered", "error"]


def test_a_probe_writes_one_row_per_replica_and_no_audit_event(database: Database) -> None:
    now = FakeClock()
    replicas = [Committer(database, now) for _ in range(2)]
    probes = [WriteProbe(database, committer, now) for committer in replicas]

    def rows() -> int:
        with database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(replica_probes)) or 0

    for _ in range(3):
        for probe in probes:
            probe()
    counted = [rows()]
    now.move(timedelta(days=2))
    probes[0]()
    counted.append(rows())
    with database.reading() as connection:
        events = connection.scalar(select(func.count()).select_from(audit_events))
    for committer in replicas:
        committer.close()

    assert counted == [2, 1]
    assert events == 0


def test_a_portal_whose_aws_credentials_are_refused_reports_it_and_stays_ready() -> None:
    status, time = CredentialStatus(), Time()
    client = prober(lambda: None, time, status)
    statuses = []
    outcomes = (
        None,
        AwsMisconfigured("Expired."),
        AwsUnavailable("Away."),
        AwsThrottled("Slow down."),
        AwsTrustRefused("No."),
    )
    for outcome in outcomes:
        status.observe(outcome)
        statuses.append((client.get("/readyz").status, client.get("/readyz").json))

    well = (200, {"status": "ready", "issuing": True})
    ill = (200, {"status": "ready", "issuing": False, "reason": "aws_misconfigured"})
    assert statuses == [well, ill, ill, ill, well]
