"""Repeated refusals of one subject are limited in the audit log and the list of sessions."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, update

from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.rate_limit.actions import LIMIT
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import guesses
from tests.portal.http.client import Client
from tests.portal.http.oauth.test_endpoints import Browser, code_of, pushed, redeem, send
from tests.portal.http.world import ADMIN, DANA, NOOR, PUBLIC_URL, World

REFUSALS = 100
RECORDED = 30
MINUTE = timedelta(minutes=1)


def rows(world: World, action: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audited refusals of an action: actor, subject and detail."""
    c = audit_events.c
    query = select(c.actor, c.subject, c.detail).where(c.action == action, c.outcome == "denied")
    with world.database.reading() as connection:
        return [(actor, subject, json.loads(detail)) for actor, subject, detail in connection.execute(query)]


def session(client: Client, token: str, number: int) -> None:
    assert client.post("/api/v1/sessions", token, {"tenant": f"foreign{number}"}).status == 404


def legacy_session(client: Client, token: str, number: int) -> None:
    assert client.get(f"/subscriptions/foreign{number}/GetAwsConsoleTokenUrl", token).status == 404


def admin_session(client: Client, token: str, _number: int) -> None:
    assert client.post("/api/v1/sessions", token, {"admin": True}).status == 403


Refused = Callable[[Client, str, int], None]


@pytest.mark.parametrize("refused", [session, legacy_session, admin_session])
def test_the_first_refusals_are_audited_and_the_rest_are_counted(
    quick_world: World, refused: Refused
) -> None:
    client, dana = quick_world.client(), quick_world.tokens[DANA]
    for number in range(REFUSALS):
        refused(client, dana, number)

    assert len(rows(quick_world, "session.issue")) == RECORDED
    with quick_world.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(issuances)) == RECORDED

    quick_world.clock.move(MINUTE)
    refused(client, quick_world.tokens[NOOR], 0)

    ((actor, subject, detail),) = rows(quick_world, "audit.suppressed")
    assert (actor, subject, detail["count"]) == (DANA, "session.issue", REFUSALS - RECORDED)
    assert detail["code"] in {"tenant_not_found", "access_denied"}
    refused(client, dana, 0)
    assert [one for one, *_ in rows(quick_world, "session.issue")] == [DANA] * RECORDED + [NOOR, DANA]


def test_the_limit_is_per_subject_and_per_action(quick_world: World) -> None:
    client = quick_world.client()
    for number in range(REFUSALS):
        session(client, quick_world.tokens[DANA], number)
    session(client, quick_world.tokens[NOOR], 0)
    admin_session(client, quick_world.tokens[DANA], 0)

    matches = [(actor, detail["code"]) for actor, _, detail in rows(quick_world, "session.issue")]
    assert matches[-2:] == [(NOOR, "tenant_not_found"), (DANA, "access_denied")]


def test_successful_requests_are_audited_after_many_refusals(quick_world: World) -> None:
    client, dana = quick_world.client(), quick_world.tokens[DANA]
    for number in range(REFUSALS):
        session(client, dana, number)

    assert client.post("/api/v1/sessions", dana, {"tenant": "dev01"}).status == 201
    issued = client.get(
        "/api/v1/audit", quick_world.tokens[ADMIN], query="action=session.issue&outcome=issued"
    )
    assert len(issued.json["events"]) == 1


def test_refused_administrative_changes_are_limited(quick_world: World) -> None:
    client = quick_world.client()
    revealed, _ = quick_world.token(ADMIN, TokenKind.TEMPORARY)
    for _ in range(REFUSALS):
        answer = client.post("/api/v1/tokens", revealed, {"user": DANA, "name": "ci"})
        assert answer.json["code"] == "fresh_sign_in_needed"

    assert len(rows(quick_world, "token.create")) == RECORDED


def test_refusals_across_all_administrative_routes_are_limited(quick_world: World) -> None:
    client, dana = quick_world.client(), quick_world.tokens[DANA]
    for number in range(REFUSALS):
        # The interval is per token, and a user can have many tokens.
        secret = dana if number % 2 else quick_world.token(DANA)[0]
        assert client.get("/api/v1/users", secret).status == 403

    assert len(rows(quick_world, "administration.enter")) == RECORDED


def test_refusals_of_a_reused_refresh_token_are_limited(quick_world: World) -> None:
    client, browser = quick_world.client(), Browser(quick_world)
    given = redeem(quick_world, code_of(browser.authorize(pushed(quick_world)))).json
    fields = {"grant_type": "refresh_token", "client_id": "daypass-cli"}
    statuses = [
        send(client, "/oauth/token", **fields, refresh_token=given["refresh_token"]).status
        for _ in range(REFUSALS)
    ]

    assert statuses == [200] + [400] * (REFUSALS - 1)
    # The first reuse revokes the token family; the others change nothing.
    assert len(rows(quick_world, "oauth.reuse")) == 1 + RECORDED


def test_repeated_cancellations_of_a_consent_are_limited(quick_world: World) -> None:
    browser = Browser(quick_world)
    headers = [
        ("Cookie", f"{SESSION}={browser.cookie}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", PUBLIC_URL),
    ]
    form = {"csrf": csrf_token(browser.cookie), "localAppName": "duploctl", "localPort": "54321"}
    for _ in range(REFUSALS):
        path, body = "/app/user/verify-token/cancel", urlencode(form).encode()
        assert quick_world.client().send("POST", path, headers=headers, body=body).status < 400

    assert len(rows(quick_world, "local_access.cancel")) == RECORDED


def test_a_user_who_opens_too_many_consent_requests_is_rate_limited(quick_world: World) -> None:
    browser = Browser(quick_world)
    assert browser.get(pushed(quick_world)).status == 200
    given = redeem(quick_world, code_of(browser.authorize(pushed(quick_world)))).json
    fields = {"grant_type": "refresh_token", "client_id": "daypass-cli"}
    given = send(quick_world.client(), "/oauth/token", **fields, refresh_token=given["refresh_token"]).json
    with quick_world.database.writing() as connection:
        connection.execute(update(guesses).values(spent=LIMIT))

    page = browser.get(pushed(quick_world))
    assert page.status == 429
    assert f"You did this {LIMIT} times within 15 minutes" in page.body.decode()
    refreshed = send(quick_world.client(), "/oauth/token", **fields, refresh_token=given["refresh_token"])
    assert (refreshed.status, refreshed.json["error"]) == (429, "temporarily_unavailable")
    assert [
        action for action in ("oauth.request", "oauth.refresh") if len(rows(quick_world, action)) != 1
    ] == []
