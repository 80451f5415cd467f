"""Requests, refusals and sign-ins count, and the pools show how busy they are."""

import asyncio
import platform
import threading
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.clock import utc_now
from daypass.portal.http.core.threadpool import PoolUse, ThreadPool
from daypass.portal.http.metrics import process_gauges
from daypass.portal.identity.model import Role
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from tests.fakes import NOON, FakeOidcProvider
from tests.portal.http.client import Answer
from tests.portal.http.oauth.test_token_exchange import FORM, GRANT, JWT
from tests.portal.http.pages.test_redirect_provider import Browser, callback, location
from tests.portal.http.world import DANA, World
from tests.portal.http.world import world as make_world
from tests.portal.telemetry.recorded import Recorded
from tests.waiting import wait_until

REQUESTS = "daypass_http_request_duration_seconds_count"
SIGN_INS = "daypass_sign_ins_total"
RIGHT, WRONG = "correct horse battery staple", "wrong"


@pytest.mark.parametrize(
    ("method", "path", "channel", "status"),
    [
        ("GET", "/api/v1/me", "api", "2xx"),
        ("GET", "/api/v1/nothing", "api", "4xx"),
        ("POST", "/api/v1/me", "api", "4xx"),
        ("BREW", "/api/v1/me", "api", "4xx"),
        ("GET", "/v3/features/system", "legacy", "2xx"),
        ("GET", "/healthz", "health", "2xx"),
        ("GET", "/metrics", "metrics", "4xx"),
        ("GET", "/.well-known/oauth-authorization-server", "oauth", "2xx"),
        ("GET", "/sign-in", "web", "2xx"),
        ("GET", "/" + "x" * 999, "web", "4xx"),
    ],
)
def test_a_request_counts_by_channel_and_class_of_status(
    recorded: Recorded, world: World, method: str, path: str, channel: str, status: str
) -> None:
    world.client().send(method, path, world.tokens[DANA])

    assert recorded.changes(REQUESTS) == {frozenset({("channel", channel), ("status", status)}): 1}


def test_a_request_that_no_channel_saw_counts_as_other(recorded: Recorded, world: World) -> None:
    world.client().get("/healthz", headers=[("Host", "a"), ("Host", "b")])

    assert recorded.change(REQUESTS, channel="other", status="4xx") == 1
    assert recorded.change("daypass_refusals_total", code="invalid_request") == 1


def test_a_refusal_counts_by_its_code(recorded: Recorded, world: World) -> None:
    world.client().get("/api/v1/me", "x")

    assert recorded.changes("daypass_refusals_total") == {frozenset({("code", "unauthenticated")}): 1}


def signed_in(browser: Browser, password: str, path: str = "/sign-in", **more: str) -> Answer:
    page = browser.get(path).body.decode()
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    return browser.post(path, csrf=token, password=password, **more)


def test_sign_ins_and_reauthentications_by_password_count(recorded: Recorded, world: World) -> None:
    name = "sam@example.com"
    world.identity.create_user(name, Role.ADMINISTRATOR, Secret(RIGHT), OPERATOR)
    browser = Browser(world.client())
    for password in (WRONG, RIGHT):
        signed_in(browser, password, username=name)
    for password in (WRONG, RIGHT):
        signed_in(browser, password, "/confirm")

    assert recorded.changes(SIGN_INS) == {
        frozenset({("provider", "password"), ("action", action), ("outcome", outcome)}): 1
        for action in ("sign_in", "reauthenticate")
        for outcome in ("ok", "sign_in_failed")
    }


def test_the_exchange_of_a_workload_s_token_counts(recorded: Recorded, world: World) -> None:
    form = urlencode({"grant_type": GRANT, "subject_token": "x", "subject_token_type": JWT}).encode()
    world.client().send("POST", "/oauth/token", headers=[FORM], body=form)

    assert recorded.changes("daypass_workload_exchanges_total") == {frozenset({("outcome", "refused")}): 1}


def test_a_sign_in_at_another_provider_counts_as_one_of_other(recorded: Recorded, sqlite_url: str) -> None:
    with make_world(sqlite_url, redirect_providers=lambda _database: [FakeOidcProvider()]) as world:
        browser = Browser(world.client())
        browser.get(callback(location(browser.get("/sign-in/oidc/example-idp")), "nobody@example.com"))

    assert recorded.changes(SIGN_INS) == {
        frozenset({("provider", "other"), ("action", "sign_in"), ("outcome", "account_refused")}): 1
    }


def test_the_use_of_a_thread_pool_is_its_threads_its_calls_and_its_queue() -> None:
    pool, gate = ThreadPool(2), threading.Event()

    async def crowd() -> PoolUse:
        calls = [asyncio.create_task(pool.run(lambda: gate.wait(20))) for _ in range(5)]
        await asyncio.sleep(0)
        wait_until(lambda: pool.use.busy == 2)
        use = pool.use
        gate.set()
        await asyncio.gather(*calls)
        return use

    assert asyncio.run(crowd()) == PoolUse(threads=2, busy=2, queued=3)
    wait_until(lambda: pool.use == PoolUse(threads=2, busy=0, queued=0))
    pool.close()


def test_requests_in_the_queues_of_roles_are_waiting() -> None:
    concurrency = RoleConcurrency(1, 5)
    with concurrency.acquire("a"), concurrency.acquire("b"):
        for role in ("a", "a", "b"):
            concurrency.queue(role, lambda: None)

        assert concurrency.waiting == 3


def test_units_of_work_behind_a_transaction_are_waiting(sqlite_url: str) -> None:
    database = Database(sqlite_url, connections=3)
    committer = Committer(database, utc_now)
    event = Event(action="x", actor=OPERATOR, outcome=Outcome.DONE)
    threads = [threading.Thread(target=committer.commit, args=(event,)) for _ in range(3)]
    # SQLite has one writing transaction at a time.
    with database.writing():
        for thread in threads:
            thread.start()
        wait_until(lambda: committer.waiting == 3)
    for thread in threads:
        thread.join()

    assert committer.waiting == 0
    committer.close()
    database.close()


def test_the_connections_of_a_pool_and_those_in_use_are_known(database_url: str) -> None:
    database = Database(database_url, connections=3)

    with database.reading(), database.writing():
        assert database.connections == (3, 2)
    assert database.connections == (3, 0)
    database.close()


def test_each_gauge_of_a_process_has_its_number(recorded: Recorded) -> None:
    services = SimpleNamespace(
        clock=lambda: NOON,
        release="0.2.0",
        pools=SimpleNamespace(
            by_name={
                "aws": SimpleNamespace(use=PoolUse(12, 3, 4)),
                "local": SimpleNamespace(use=PoolUse(5, 1, 2)),
            }
        ),
        role_concurrency=SimpleNamespace(waiting=6),
        committer=SimpleNamespace(waiting=7),
        database=SimpleNamespace(connections=(40, 8)),
    )

    process_gauges(cast("Any", services))()

    for pool, (threads, busy, queued) in {"aws": (12, 3, 4), "local": (5, 1, 2)}.items():
        assert recorded.value("daypass_thread_pool_threads", pool=pool) == threads
        assert recorded.value("daypass_thread_pool_busy_threads", pool=pool) == busy
        assert recorded.value("daypass_thread_pool_queue_depth", pool=pool) == queued
    assert recorded.value("daypass_role_queue_depth") == 6
    assert recorded.value("daypass_commit_queue_depth") == 7
    assert recorded.value("daypass_database_pool_connections") == 40
    assert recorded.value("daypass_database_pool_in_use_connections") == 8
    assert recorded.value("daypass_processes") == 1
    assert recorded.value("daypass_process_start_time_seconds") == NOON.timestamp()
    python = platform.python_version()
    assert recorded.value("daypass_build_info", version="0.2.0", python=python) == 1
