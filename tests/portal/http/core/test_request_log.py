"""The log line of a request: user, request and address; and for a failure one error with its cause."""

import json
import sqlite3
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from daypass.portal.config.model import AccessLog, LogConfig, MetricsConfig
from daypass.portal.errors import AwsUnavailable, StorageUnavailable
from daypass.portal.http.core.authentication import ClientAddresses
from daypass.portal.http.core.problems import LOG_FIELDS, REFUSAL, REQUEST_ID, STATUSES
from daypass.portal.http.core.request_log import RequestLog
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.access import issuances
from daypass.portal.telemetry.error_events import REMEDIES
from tests.fixtures.database import PostgresServer
from tests.portal.http.client import PEER, Client
from tests.portal.http.world import DANA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

KEYS = ("/api/v1/sessions", {"tenant": "dev01"})
LEGACY = "/subscriptions/dev01/GetAwsConsoleTokenUrl"


class Lines:
    """The log lines written after the start of a test."""

    def __init__(self, log: StringIO) -> None:
        self._log = log
        self._began = len(log.getvalue())

    def texts(self) -> list[str]:
        """Return the lines as text."""
        return self._log.getvalue()[self._began :].splitlines()

    def read(self) -> list[dict[str, Any]]:
        """Return the lines as parsed JSON."""
        return [json.loads(text) for text in self.texts()]

    def requests(self) -> list[dict[str, Any]]:
        """Return the lines of the access log."""
        return [line for line in self.read() if line["event"] == "request"]

    def errors(self) -> list[dict[str, Any]]:
        """Return the lines of the level error."""
        return [line for line in self.read() if line["level"] == "error"]


@pytest.fixture
def lines(log: StringIO) -> Lines:
    return Lines(log)


def test_while_the_database_is_unavailable_each_error_is_one_line_with_the_driver_s_message(
    crashing_postgres: PostgresServer, lines: Lines
) -> None:
    with make_world(crashing_postgres.url("portal")) as world:
        client, token = world.client(), world.tokens[DANA]
        cookie, _ = world.token(DANA, TokenKind.BROWSER, grant_ends_at=world.clock() + timedelta(hours=1))
        crashing_postgres.stop()
        requested = [
            client.post(KEYS[0], token, KEYS[1]),
            client.get(LEGACY, token),
            client.get("/api/v1/me", token),
            client.get("/profile", headers=[("Cookie", f"__Host-daypass={cookie}")]),
            client.get("/readyz"),
        ]
        crashing_postgres.start()

    assert [answer.status for answer in requested] == [503] * 5
    read = lines.read()
    assert [line["level"] for line in read if line["event"] == "request"] == ["warning"] * 5
    assert [line["event"] for line in read if line["level"] == "error"] == ["error"] * 5
    assert all(len(text) < 1000 for text in lines.texts())
    for line in lines.errors():
        assert "exception" not in line
        assert (line["operation"], line["status"]) == ("request", 503)
        assert "daypass portal doctor" in line["remedy"]
        # The readiness probe writes through the audit log.
        assert line["code"] in {"storage_unavailable", "audit_unavailable"}
        assert line["cause"].startswith("PostgreSQL at ")
        assert "connect" in line["cause"]


def test_a_locked_sqlite_database_is_logged_with_the_driver_s_message(sqlite_url: str, lines: Lines) -> None:
    with make_world(sqlite_url, patience=timedelta(milliseconds=20)) as world:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
        other.execute("BEGIN EXCLUSIVE")
        answer = world.client().post(KEYS[0], world.tokens[DANA], KEYS[1])
        other.rollback()
        other.close()

    assert answer.status == 503
    path = sqlite_url.removeprefix("sqlite:///")
    assert [line["cause"] for line in lines.errors()] == [f"SQLite at {path}: database is locked"]


@pytest.mark.parametrize(
    ("cause", "logged_text"),
    [
        (
            ConnectionRefusedError(111, "Connection refused"),
            "ConnectionRefusedError: [Errno 111] Connection refused",
        ),
        (ValueError("secret-canary"), "ValueError"),
        (KeyError("secret-canary"), "KeyError"),
    ],
)
def test_of_other_causes_only_operating_system_messages_are_logged(
    quick_world: World, quick_client: Client, lines: Lines, cause: Exception, logged_text: str
) -> None:
    error = AwsUnavailable("AWS did not answer.")
    error.__cause__ = cause
    quick_world.broker.assume_error = error

    quick_client.post(KEYS[0], quick_world.tokens[DANA], KEYS[1])

    (line,) = lines.errors()
    assert (line["cause"], line["reason"]) == (logged_text, "AWS did not answer.")


def test_an_issuance_is_logged_with_user_tenant_address_and_id_on_every_channel(
    quick_world: World, quick_client: Client, lines: Lines
) -> None:
    token = quick_world.tokens[DANA]
    cookie, _ = quick_world.token(
        DANA, TokenKind.BROWSER, grant_ends_at=quick_world.clock() + timedelta(hours=1)
    )
    form = urlencode({"tenant": "dev01", FIELD: csrf_token(cookie)}).encode()
    page = [
        ("Origin", PUBLIC_URL),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Cookie", f"__Host-daypass={cookie}"),
    ]

    quick_client.post(KEYS[0], token, KEYS[1])
    quick_client.get(LEGACY, token)
    quick_client.send("POST", "/credentials", headers=page, body=form)
    quick_world.broker.assume_error = AwsUnavailable("AWS did not answer.")
    quick_client.post(KEYS[0], token, KEYS[1])
    # Denied, and audited as denied.
    quick_client.post(KEYS[0], token, {"tenant": "data01"})

    with quick_world.database.reading() as connection:
        on_record = set(connection.scalars(select(issuances.c.id)))
    logged_text = lines.requests()
    assert [line["status"] for line in logged_text] == [201, 200, 200, 503, 404]
    assert {line["user"] for line in logged_text} == {DANA}
    assert [line["tenant"] for line in logged_text] == ["dev01"] * 4 + ["data01"]
    assert {line["address"] for line in logged_text} == {PEER}
    assert {line["issuance_id"] for line in logged_text} == on_record


def test_other_requests_are_logged_with_the_known_fields(
    quick_world: World, quick_client: Client, lines: Lines
) -> None:
    token = quick_world.tokens[DANA]
    quick_client.get("/api/v1/me", token)
    quick_client.get("/api/v1/tenants/dev01/resources", token)
    quick_client.get("/v3/features/tenant/dev01", token)
    quick_client.get("/api/v1/me", "none")

    known = [{key: line.get(key) for key in ("user", "tenant", "issuance_id")} for line in lines.read()]
    assert known == [
        {"user": DANA, "tenant": None, "issuance_id": None},
        {"user": DANA, "tenant": "dev01", "issuance_id": None},
        {"user": DANA, "tenant": "dev01", "issuance_id": None},
        {"user": None, "tenant": None, "issuance_id": None},
    ]


LINE = {
    *("timestamp", "level", "event", "logger", "pid", "request_id", "method", "route", "status"),
    *("duration_ms", "bytes", "address", "channel", "user_agent"),
}


def test_a_request_is_one_line_with_these_fields_and_no_value_of_its_path(
    quick_world: World, quick_client: Client, lines: Lines
) -> None:
    agent = ("User-Agent", "curl/8\x1b[2J" + "x" * 500)
    answer = quick_client.get("/api/v1/tenants/dev01/resources", quick_world.tokens[DANA], headers=[agent])
    quick_client.get("/api/v1/me", headers=[agent], query="secret=canary")
    quick_client.get("/no/such/" + "p" * 500, headers=[agent])

    tenant, unauthenticated, unknown = lines.read()
    assert {*tenant} == LINE | {"user", "token_kind", "tenant"}
    assert (tenant["level"], tenant["event"], tenant["logger"]) == ("info", "request", "portal.http")
    assert (tenant["method"], tenant["route"]) == ("GET", "/api/v1/tenants/{tenant}/resources")
    assert (tenant["status"], tenant["channel"], tenant["token_kind"]) == (200, "api", "permanent")
    assert (tenant["bytes"], tenant["request_id"]) == (len(answer.body), answer.header("x-request-id"))
    assert tenant["user_agent"] == agent[1][:200]
    assert {*unauthenticated} == LINE | {"code", "reason"}
    assert {*unknown} == LINE - {"route"} | {"path", "code", "reason"}
    assert (len(unknown["path"]), unknown["channel"]) == (200, "web")
    assert "canary" not in "".join(lines.texts())


def test_an_unknown_path_is_logged_without_what_looks_like_a_secret(
    still_client: Client, lines: Lines
) -> None:
    still_client.get("/AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01/x")

    assert lines.read()[0]["path"] == "/AKIA[redacted]/[redacted]/x"


@pytest.mark.parametrize(
    ("mode", "logged"),
    [
        (AccessLog.ON, ["/api/v1/me"]),
        (AccessLog.ALL, ["/healthz", "/readyz", "/api/v1/me"]),
        (AccessLog.OFF, []),
    ],
)
def test_successful_probes_are_logged_only_if_all_requests_are(
    sqlite_url: str, lines: Lines, mode: AccessLog, logged: list[str]
) -> None:
    with make_world(sqlite_url, logs=LogConfig(access_log=mode)) as world:
        client = world.client()
        for path in ("/healthz", "/readyz", "/api/v1/me"):
            client.get(path, world.tokens[DANA])

    assert [line["route"] for line in lines.read()] == logged


def test_without_an_access_log_a_failure_is_still_logged(sqlite_url: str, lines: Lines) -> None:
    with make_world(sqlite_url, logs=LogConfig(access_log=AccessLog.OFF)) as world:
        world.broker.assume_error = AwsUnavailable("AWS did not answer.")
        answer = world.client().post(KEYS[0], world.tokens[DANA], KEYS[1])

    (line,) = lines.read()
    assert (line["event"], line["code"], line["reason"]) == (
        "error",
        "aws_unavailable",
        "AWS did not answer.",
    )
    assert line["request_id"] == answer.header("x-request-id")


@pytest.mark.parametrize(("mode", "logged"), [(AccessLog.ON, 1), (AccessLog.OFF, 0)])
def test_the_listener_for_metrics_logs_requests_as_configured(
    sqlite_url: str, lines: Lines, mode: AccessLog, logged: int
) -> None:
    metrics, logs = MetricsConfig(("127.0.0.1", 0)), LogConfig(access_log=mode)
    with make_world(sqlite_url, metrics=metrics, logs=logs) as world:
        assert world.portal.metrics_app is not None
        Client(world.portal.metrics_app).get("/other")

    assert [line["path"] for line in lines.requests()] == ["/other"] * logged


def test_a_probe_that_fails_is_logged_when_its_result_changes(lines: Lines) -> None:
    log = RequestLog(AccessLog.ON, ClientAddresses())
    down = {REFUSAL: StorageUnavailable("The database is away.", "PostgreSQL at db: refused")}
    for status in (200, 503, 503, 503, 200, 200):
        scope: dict[str, Any] = {"type": "http", "path": "/readyz", "method": "GET", "headers": []}
        scope |= {REQUEST_ID: "1", LOG_FIELDS: {}}
        log.write(scope | (down if status == 503 else {}), status, 0.1, 2)

    assert [(line["event"], line["level"], line["status"]) for line in lines.read()] == [
        ("request", "warning", 503),
        ("error", "error", 503),
        ("request", "info", 200),
    ]
    assert lines.errors()[0]["cause"] == "PostgreSQL at db: refused"


def test_each_error_that_is_answered_with_5xx_has_a_remedy() -> None:
    failures = {error.code for error, status in STATUSES.items() if status >= 500}

    assert failures == REMEDIES.keys()


def test_behind_a_proxy_the_logged_address_is_the_client_s(sqlite_url: str, lines: Lines) -> None:
    proxies = {"is_behind_proxy": True, "trusted_proxies": (ip_network("10.0.0.0/8"),)}
    with make_world(sqlite_url, **proxies) as world:  # type: ignore[arg-type]  # by name
        world.client("10.0.0.1").get("/nothing", headers=[("X-Forwarded-For", "198.51.100.4")])

    assert lines.read()[0]["address"] == "198.51.100.4"
