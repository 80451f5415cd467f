"""Recovery links: made by an Administrator, used once by the user after the password."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from daypass.portal.http.layout.cookies import RECOVERY, SESSION
from daypass.portal.identity.passkeys.model import MOST_PASSKEYS
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.sign_in import passkeys, recovery_links
from tests.fixtures.authenticator import Authenticator
from tests.portal.http.client import Answer, Client
from tests.portal.http.pages.passkey_browser import Browser, give_password, hidden, options_of
from tests.portal.http.world import ADMIN, DANA, NOOR, PUBLIC_URL, World

STEP, RECOVER = "/sign-in/passkey", "/sign-in/recovery"


@pytest.fixture
def admin(quick_world: World, quick_client: Client) -> Browser:
    """The Administrator's browser, at a portal where dana has a passkey."""
    for username in (DANA, ADMIN):
        give_password(quick_world, username)
    dana = Browser(quick_client)
    dana.enter_password(DANA)
    dana.add_passkey(Authenticator(PUBLIC_URL))
    browser = Browser(quick_client)
    browser.enter_password(ADMIN)
    return browser


def make_link(admin: Browser, world: World, username: str = DANA) -> Answer:
    """Submit the form on the user's page."""
    page = f"/administrator/users/{world.users[username].id}"
    return admin.submit(page, f"{page}/recovery-link")


def secret_of(made: Answer) -> str:
    """Return the secret in the link that the page shows."""
    found = re.search(rf"{PUBLIC_URL}{RECOVER}#(daypass_rec_\w+)", made.body.decode())
    assert found, made.body.decode()
    return found[1]


def follow(client: Client, secret: str) -> Browser:
    """Open the link in a new browser, and continue to the sign-in."""
    browser = Browser(client)
    assert browser.submit(RECOVER, RECOVER, secret=secret).header("location") == "/sign-in"
    return browser


def recover(browser: Browser, username: str = DANA, **fields: str) -> Answer:
    """Enter the password and register a passkey."""
    assert browser.enter_password(username).header("location") == STEP
    shown = browser.get(STEP)
    answer = Authenticator(PUBLIC_URL).register(options_of(shown))
    return browser.post(STEP, csrf=hidden(shown, "csrf"), answer=answer, name="New", **fields)


def names_of(world: World) -> list[str]:
    with world.database.reading() as connection:
        return list(connection.scalars(select(passkeys.c.name).order_by(passkeys.c.name)))


def test_a_link_lets_its_user_register_a_passkey_and_removes_none(
    admin: Browser, quick_world: World, quick_client: Client
) -> None:
    browser = follow(quick_client, secret_of(make_link(admin, quick_world)))

    assert recover(browser).status == 303

    assert browser.get("/profile").status == 200
    assert names_of(quick_world) == ["Laptop", "New"]
    with quick_world.database.reading() as connection:
        rows = connection.execute(
            select(audit_events.c.action, audit_events.c.outcome, audit_events.c.detail).where(
                audit_events.c.outcome == "alert"
            )
        ).all()
        stored = f"{rows} {connection.execute(select(recovery_links)).all()}"
    assert [row.action for row in rows] == ["user.recovery_link", "passkey.add"]
    assert json.loads(rows[1].detail)["purpose"] == "recover"
    assert "daypass_rec_" not in stored


def test_the_user_can_ask_to_remove_the_lost_ones(
    admin: Browser, quick_world: World, quick_client: Client
) -> None:
    browser = follow(quick_client, secret_of(make_link(admin, quick_world)))

    assert recover(browser, removes_others="true").status == 303

    assert names_of(quick_world) == ["New"]


def test_a_user_who_lost_the_most_passkeys_that_there_can_be_replaces_them(
    admin: Browser, quick_world: World, quick_client: Client
) -> None:
    with quick_world.database.writing() as connection:
        row = dict(connection.execute(select(passkeys)).mappings().one())
        lost = [
            {**row, "credential_id": bytes([number]), "name": f"{number}"}
            for number in range(1, MOST_PASSKEYS)
        ]
        connection.execute(insert(passkeys), lost)
    secret = secret_of(make_link(admin, quick_world))

    kept = recover(follow(quick_client, secret))
    assert (kept.status, "select “Remove my other passkeys”" in kept.body.decode()) == (422, True)
    assert len(names_of(quick_world)) == MOST_PASSKEYS
    assert recover(follow(quick_client, secret), removes_others="true").status == 303

    assert names_of(quick_world) == ["New"]


def test_a_link_works_once(admin: Browser, quick_world: World, quick_client: Client) -> None:
    secret = secret_of(make_link(admin, quick_world))
    first, second = follow(quick_client, secret), follow(quick_client, secret)
    second.enter_password(DANA)
    shown = second.get(STEP)
    recover(first)

    answer = Authenticator(PUBLIC_URL).register(options_of(shown))
    late = second.post(STEP, csrf=hidden(shown, "csrf"), answer=answer, name="Second")

    assert late.status == 410
    assert SESSION not in second.cookies or second.cookies[SESSION] in {"", '""'}
    assert names_of(quick_world) == ["Laptop", "New"]
    # With a used link, the passkey is asked for as always.
    again = follow(quick_client, secret)
    again.enter_password(DANA)
    assert 'data-passkey="get"' in again.get(STEP).body.decode()


@pytest.mark.parametrize("what", ["time", "new link", "other user"])
def test_a_link_that_has_ended_or_is_of_another_user_changes_nothing(
    admin: Browser, quick_world: World, quick_client: Client, what: str
) -> None:
    give_password(quick_world, NOOR)
    secret = secret_of(make_link(admin, quick_world, NOOR if what == "other user" else DANA))
    if what == "time":
        quick_world.clock.move(timedelta(minutes=30))
    elif what == "new link":
        make_link(admin, quick_world)

    browser = follow(quick_client, secret)
    browser.enter_password(DANA)

    assert 'data-passkey="get"' in browser.get(STEP).body.decode()


def test_a_link_without_the_password_gives_nothing(
    admin: Browser, quick_world: World, quick_client: Client
) -> None:
    secret = secret_of(make_link(admin, quick_world))

    browser = follow(quick_client, secret)
    wrong = browser.submit("/sign-in", "/sign-in", username=DANA, password="wrong", next="/profile")

    assert wrong.status == 401
    assert browser.get(STEP).header("location") == "/sign-in?ended=1"
    assert Browser(quick_client, {SESSION: secret}).get("/profile").status != 200
    assert Browser(quick_client, {RECOVERY: secret}).get("/profile").status != 200


def test_making_a_link_needs_a_recent_sign_in_and_no_exempt_token(
    admin: Browser, quick_world: World, quick_client: Client
) -> None:
    address = f"/api/v1/users/{DANA}/recovery-link"
    refused = quick_client.send("POST", address, quick_world.tokens[ADMIN])
    assert (refused.status, refused.json["code"]) == (403, "fresh_sign_in_needed")
    assert quick_client.send("POST", address, quick_world.tokens[DANA]).status == 403

    quick_world.clock.move(timedelta(minutes=6))
    assert "Confirm your password" in make_link(admin, quick_world).body.decode()
    with quick_world.database.reading() as connection:
        assert connection.execute(select(recovery_links.c.digest)).all() == []


def test_a_user_without_a_password_gets_no_link(admin: Browser, quick_world: World) -> None:
    refused = make_link(admin, quick_world, NOOR)

    assert refused.status == 422
    assert "cannot sign in with a password" in refused.body.decode()
