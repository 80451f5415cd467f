"""The log line of a request: user, request and address; and for an error its cause, on the same line."""

import json
import sqlite3
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from daypass.portal.errors import AwsUnavailable
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema import issuances
from tests.database_fixture import PostgresServer
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
    for text, line in zip(lines.texts(), lines.read(), strict=True):
        assert len(text) < 1000
        assert "exception" not in line
        assert (line["level"], line["status"]) == ("error", 503)
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
    assert [line["cause"] for line in lines.read()] == [f"SQLite at {path}: database is locked"]


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

    (line,) = lines.read()
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
    logged_text = lines.read()
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


def test_behind_a_proxy_the_logged_address_is_the_client_s(sqlite_url: str, lines: Lines) -> None:
    proxies = {"is_behind_proxy": True, "trusted_proxies": (ip_network("10.0.0.0/8"),)}
    with make_world(sqlite_url, **proxies) as world:  # type: ignore[arg-type]  # by name
        world.client("10.0.0.1").get("/nothing", headers=[("X-Forwarded-For", "198.51.100.4")])

    assert lines.read()[0]["address"] == "198.51.100.4"
