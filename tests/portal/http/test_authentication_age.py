"""Tenants that ask for a recent authentication, for each kind of caller and on every channel."""

import json
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.http.legacy.local_access import ARMED_AFTER
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.settings.registry import (
    AUTHENTICATION_AGE,
    TENANT_AUTHENTICATION_AGE,
    TENANT_EXEMPTS_WORKLOADS,
)
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens
from tests.fakes import NOON
from tests.portal.http.client import Answer
from tests.portal.http.legacy.test_local_access import agree, fields, look
from tests.portal.http.oauth.test_endpoints import FORM, PUSHED, Browser, code_of, pushed, redeem, send
from tests.portal.http.pages.test_administrator import PASSWORD, fields_of, sign_in
from tests.portal.http.pages.test_administrator import Browser as Page
from tests.portal.http.workload_rules import workload_token
from tests.portal.http.world import ADMIN, DANA, DEV, PROD, PUBLIC_URL, World
from tests.settings import unset_setting

OK = (200, 201)
TEN = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
CODE = "insufficient_user_authentication"

Ask = Callable[[], Answer]
"""Requests a session for dev01."""


@pytest.fixture
def world(quick_world: World) -> World:
    return quick_world


def post(world: World, browser: Browser, path: str, **form: str) -> Answer:
    """Submit a form of a page, as its script does."""
    form[FIELD] = csrf_token(browser.cookie)
    headers = [("Cookie", f"{SESSION}={browser.cookie}"), FORM]
    headers = [*headers, ("Origin", PUBLIC_URL), ("Accept", "application/json")]
    return world.client().send("POST", path, headers=headers, body=urlencode(form).encode())


def by_token(world: World, token: str) -> Ask:
    return lambda: world.client().post("/api/v1/sessions", token, {"tenant": "dev01"})


def in_browser(world: World) -> Ask:
    browser = Browser(world)
    return lambda: post(world, browser, "/console-url", tenant=DEV.id)


def command_line(world: World) -> Ask:
    answer = redeem(world, code_of(Browser(world).authorize(pushed(world))))
    return by_token(world, answer.json["access_token"])


def refreshed_command_line(world: World) -> Ask:
    answer = redeem(world, code_of(Browser(world).authorize(pushed(world))))
    world.clock.move(TEN / 2)
    refresh = answer.json["refresh_token"]
    renewed = send(world.client(), "/oauth/token", grant_type="refresh_token", refresh_token=refresh)
    return by_token(world, renewed.json["access_token"])


def temporary_token(world: World) -> Ask:
    browser = Browser(world)
    world.clock.move(TEN / 2)
    revealed = post(world, browser, "/tokens/temporary")
    return by_token(world, revealed.json["secrets"]["token"])


def legacy_client(world: World) -> Ask:
    cookie = ("Cookie", f"{SESSION}={Browser(world).cookie}")
    world.clock.move(TEN / 2)
    form = fields(look(world.client(), cookie))
    world.clock.move(ARMED_AFTER)
    token = agree(world.client(), cookie, form).json["token"]

    def ask() -> Answer:
        return world.client().get(f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl", token)

    # A token for a legacy client is void unless it is used within a minute.
    assert ask().status == 200
    return ask


PEOPLE = [in_browser, command_line, refreshed_command_line, temporary_token, legacy_client]


SETTINGS = [("10", None), (None, "10"), ("10", "60"), ("60", "10")]
"""The settings of the tenant and of all, each time with the same result: ten minutes."""


@pytest.mark.parametrize("kind", PEOPLE)
def test_a_session_needs_an_authentication_that_is_not_older_than_the_settings_allow(
    world: World, kind: Callable[[World], Ask]
) -> None:
    # Every user authenticated at noon, whatever happened since.
    ask = kind(world)
    world.clock.now = NOON + TEN + SECOND
    assert ask().status in OK, "Without a setting, the age does not matter."

    for of_tenant, of_all in SETTINGS:
        store(world, of_tenant, of_all)
        world.clock.now = NOON + TEN
        assert ask().status in OK
        issued = len(world.broker.assumed)
        world.clock.move(SECOND)
        answer = ask()

        assert (answer.status, len(world.broker.assumed)) == (403, issued)
        challenge = answer.header("www-authenticate") or ""
        assert f'error="{CODE}"' in challenge
        assert 'max_age="600"' in challenge
        reason = answer.json.get("detail") or answer.json["Message"]
        assert reason.startswith("AWS access here needs an authentication within the last 10 min.")
        assert answer.json.get("code", CODE) == CODE


def store(world: World, of_tenant: str | None, of_all: str | None) -> None:
    with world.database.writing() as connection:
        unset_setting(connection, DEV.id, "", TENANT_AUTHENTICATION_AGE.key)
        unset_setting(connection, SYSTEM, AUTHENTICATION_AGE.type, AUTHENTICATION_AGE.key)
    if of_tenant is not None:
        world.set(TENANT_AUTHENTICATION_AGE, of_tenant, DEV)
    if of_all is not None:
        world.set(AUTHENTICATION_AGE, of_all)


def test_the_age_counts_in_its_own_tenant_only(world: World) -> None:
    ask = by_token(world, world.tokens[DANA])
    world.set(TENANT_AUTHENTICATION_AGE, "10", PROD)

    assert ask().status == 201


def test_a_permanent_token_proves_no_authentication_and_is_told_what_does(world: World) -> None:
    world.set(TENANT_AUTHENTICATION_AGE, "720", DEV)

    for token in (world.tokens[DANA], world.tokens[ADMIN]):
        answer = by_token(world, token)()
        assert (answer.status, answer.json["code"]) == (403, "access_denied")
        assert "a permanent API token cannot prove" in answer.json["detail"]
        assert answer.header("www-authenticate") is None


@pytest.mark.parametrize("is_exempt", [False, True])
def test_workloads_get_sessions_only_in_tenants_that_exempt_them(world: World, is_exempt: bool) -> None:
    ask = by_token(world, workload_token(world))
    world.set(AUTHENTICATION_AGE, "720")
    world.set(TENANT_EXEMPTS_WORKLOADS, "true" if is_exempt else "false", DEV)
    world.set(TENANT_EXEMPTS_WORKLOADS, "true", PROD)

    answer = ask()

    assert answer.status == (201 if is_exempt else 403)
    assert is_exempt or TENANT_EXEMPTS_WORKLOADS.label in answer.json["detail"]
    world.set(TENANT_EXEMPTS_WORKLOADS, "true", DEV)
    assert by_token(world, world.tokens[DANA])().status == 403, "A permanent token is no workload."


def test_the_age_for_all_counts_for_admin_access_too(world: World) -> None:
    answer = redeem(world, code_of(Browser(world, ADMIN).authorize(pushed(world, scope="tenants admin"))))
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)
    world.clock.now = NOON + TEN + SECOND

    def ask() -> Answer:
        return world.client().post("/api/v1/sessions", answer.json["access_token"], {"admin": True})

    assert ask().status == 201
    world.set(AUTHENTICATION_AGE, "10")
    assert ask().json["code"] == CODE


def test_a_token_of_an_earlier_release_has_no_time_of_authentication(world: World) -> None:
    ask = command_line(world)
    world.set(TENANT_AUTHENTICATION_AGE, "720", DEV)
    assert ask().status == 201
    with world.database.writing() as connection:
        of_cli = api_tokens.c.kind == TokenKind.CLI.value
        connection.execute(update(api_tokens).where(of_cli).values(authenticated_at=None))

    assert ask().json["code"] == CODE


def test_policy_is_told_before_the_age(world: World) -> None:
    answer = redeem(world, code_of(Browser(world).authorize(pushed(world))))
    world.set(AUTHENTICATION_AGE, "10")
    world.clock.now = NOON + TEN + SECOND

    asked = world.client().post("/api/v1/sessions", answer.json["access_token"], {"tenant": "data01"})

    assert (asked.status, asked.json["code"]) == (404, "tenant_not_found")


def test_a_limit_that_is_set_while_aws_answers_withholds_the_session(world: World) -> None:
    ask = command_line(world)
    world.clock.now = NOON + TEN + SECOND
    world.broker.during_assume = lambda: world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)

    answer = ask()

    assert (answer.status, answer.json["code"]) == (403, CODE)
    assert len(world.broker.assumed) == 1
    assert b"secret_access_key" not in answer.body


def test_the_refusal_is_in_the_audit_log_with_its_code(world: World) -> None:
    ask = command_line(world)
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)
    world.clock.now = NOON + TEN + SECOND
    ask()

    with world.database.reading() as connection:
        of_issuing = select(audit_events).where(audit_events.c.action == "session.issue")
        row = connection.execute(of_issuing.order_by(audit_events.c.position.desc())).first()
    assert row is not None
    assert (row.outcome, row.actor, json.loads(row.detail)["code"]) == ("denied", DANA, CODE)


def test_the_page_asks_for_the_password_and_then_opens_the_console(world: World) -> None:
    user = world.identity.create_user("lena@example.com", Role.ADMINISTRATOR, PASSWORD, OPERATOR)
    world.users[user.username] = user
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)
    lena = sign_in(world, user.username)
    world.clock.move(TEN + SECOND)

    asked = lena.send("/console", tenant=DEV.id)
    confirmed = lena.send("/confirm", hidden(asked), password=PASSWORD.reveal())
    cookie = next(value for name, value in confirmed.headers if name == "set-cookie" and SESSION in value)
    fresh = Page(lena.client, cookie.partition(";")[0].partition("=")[2])
    opened = fresh.send("/console", hidden(confirmed))

    assert (asked.status, confirmed.status, opened.status) == (403, 200, 303)
    assert b"Confirm your password" in asked.body
    assert (opened.header("location") or "").startswith("https://")
    assert len(world.broker.assumed) == 1


def hidden(answer: Answer) -> list[tuple[str, str]]:
    return [field for field in fields_of(answer) if field[0] != "csrf"]


def test_looking_at_the_tenant_asks_for_nothing(world: World) -> None:
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)
    dana = sign_in(world, DANA)
    world.clock.move(TEN + SECOND)

    for address in (f"/profile?tenant={DEV.id}", "/resources"):
        assert "dev01" in dana.see(address)
    assert "with full access" in dana.see(f"/profile?tenant={DEV.id}")


@pytest.mark.parametrize("text", ["1e3", "-1", "\u0663\u0660\u0660", "300 ", "9" * 7])
def test_a_malformed_age_of_an_application_is_refused(world: World, text: str) -> None:
    answer = send(world.client(), "/oauth/par", **{**PUSHED, "max_age": text})

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert "max_age" in answer.json["error_description"]


def test_a_command_line_that_asks_for_the_age_of_the_challenge_is_served(world: World) -> None:
    browser = Browser(world)
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV)
    world.clock.move(TEN + SECOND)

    answer = browser.get(pushed(world, max_age="600"))

    assert answer.status == 303
    assert (answer.header("location") or "").startswith("/confirm?next=/oauth/authorize")
    granted = redeem(world, code_of(Browser(world).authorize(pushed(world, max_age="600"))))
    assert by_token(world, granted.json["access_token"])().status == 201
