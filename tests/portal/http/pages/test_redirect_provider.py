"""The pages of sign-in and reauthentication at an identity provider with pages of its own."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.identity.store.users import add_user
from daypass.portal.storage.engine import Database
from tests.fakes import NOON, FakeRedirectProvider
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import DANA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

SSO = "sso@example.com"
AT_IDP = "https://idp.example.com/authorize?"
USERS = "/administrator/users"


@dataclass(slots=True)
class Browser:
    """A browser that keeps cookies, and stops before the provider's page."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Answer:
        return self._send("GET", address, b"")

    def post(self, address: str, **fields: str) -> Answer:
        return self._send("POST", address, urlencode(fields).encode())

    def _send(self, method: str, address: str, body: bytes) -> Answer:
        path, _, query = address.removeprefix(PUBLIC_URL).partition("?")
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [
            ("Accept", "text/html"),
            ("Origin", PUBLIC_URL),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookies),
        ]
        answer = self.client.send(method, path, body=body, headers=headers, query=query)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
        return answer


@pytest.fixture
def idps() -> list[FakeRedirectProvider]:
    """The providers of the portal, once it is built."""
    return []


@pytest.fixture
def portal(sqlite_url: str, idps: list[FakeRedirectProvider]) -> Iterator[World]:
    """A portal with passwords and two redirect providers, and an Administrator without a password."""

    def providers(database: Database) -> list[FakeRedirectProvider]:
        idps.append(FakeRedirectProvider(database))
        idps.append(FakeRedirectProvider(database, name="other-idp", label="Other"))
        return idps

    with make_world(sqlite_url, redirect_providers=providers) as created:
        user = User(UserId("50" * 16), SSO, Role.ADMINISTRATOR, UserKind.PERSON)
        with created.database.writing() as connection:
            add_user(user, None, at=NOON).apply(connection)
        yield created


@pytest.fixture
def browser(portal: World) -> Browser:
    return Browser(portal.client())


def location(answer: Answer) -> str:
    assert answer.status == 303, answer.body
    return answer.header("location") or ""


def query_of(address: str) -> dict[str, str]:
    assert address.startswith(AT_IDP)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def callback(address: str, username: str = SSO) -> str:
    """Return the address at which the provider's page at *address* sends the browser back."""
    asked = query_of(address)
    return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': username})}"


def sign_in(browser: Browser) -> None:
    at_idp = location(browser.get(f"/sign-in/example-idp?next={USERS}"))
    assert location(browser.get(callback(at_idp))) == USERS


def csrf_token(browser: Browser) -> str:
    found = re.search('name="csrf" value="([0-9a-f]+)"', browser.get(USERS).body.decode())
    assert found is not None
    return found[1]


def test_the_sign_in_page_offers_the_form_and_a_link_for_each_other_provider(browser: Browser) -> None:
    text = browser.get("/sign-in?next=/resources").body.decode()

    assert 'name="password"' in text
    assert 'href="/sign-in/example-idp?next=/resources">Sign in with Example IdP</a>' in text
    assert 'href="/sign-in/other-idp?next=/resources">Sign in with Other</a>' in text


def test_a_sign_in_at_the_provider_starts_a_session_and_returns_to_the_page(browser: Browser) -> None:
    sign_in(browser)

    assert browser.get(USERS).status == 200


def test_reauthentication_leads_to_the_provider_and_not_to_a_password(
    portal: World, browser: Browser, idps: list[FakeRedirectProvider]
) -> None:
    sign_in(browser)
    before = browser.cookies[SESSION]
    portal.clock.move(RECENT + timedelta(seconds=1))
    form = {
        "csrf": csrf_token(browser),
        "username": "new@example.com",
        "role": "Administrator",
        "sign_in": "none",
    }

    asked = browser.post(USERS, **form)

    assert asked.status == 403
    text = asked.body.decode()
    assert 'type="password"' not in text
    assert "Continue to Example IdP" in text
    at_idp = location(browser.get(f"/confirm?next={USERS}"))
    assert query_of(at_idp)["max_age"] == "0"
    idps[0].authenticated_at = portal.clock()
    assert location(browser.get(callback(at_idp))) == USERS
    assert browser.cookies[SESSION] not in {before, ""}
    assert browser.post(USERS, **form | {"csrf": csrf_token(browser)}).status == 303


def test_a_person_without_a_password_is_not_shown_as_a_service_account(browser: Browser) -> None:
    sign_in(browser)

    rows = browser.get(USERS).body.decode().split("<tr ")

    states = {name: next(row for row in rows if f">{name}</a>" in row) for name in (SSO, DANA)}
    assert ("Enabled" in states[SSO], "Tokens only" in states[SSO]) == (True, False)
    assert ("Enabled" in states[DANA], "Tokens only" in states[DANA]) == (False, True)


def test_a_password_form_is_refused_for_a_session_of_another_provider(browser: Browser) -> None:
    sign_in(browser)
    csrf = csrf_token(browser)
    before = browser.cookies[SESSION]

    answer = browser.post("/confirm", csrf=csrf, password="correct horse", next="/profile")

    assert answer.status == 401
    assert browser.cookies[SESSION] == before


def test_an_attempt_of_another_browser_is_refused(portal: World, browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/example-idp"))
    victim = Browser(portal.client())
    victim.get("/sign-in")

    answer = victim.get(callback(at_idp))

    assert answer.status == 403
    assert "not started in this browser" in answer.body.decode()
    assert SESSION not in victim.cookies


def test_an_answer_at_the_callback_of_another_provider_is_refused(browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/example-idp"))

    answer = browser.get(callback(at_idp).replace("/example-idp/", "/other-idp/"))

    assert answer.status == 403
    assert SESSION not in browser.cookies


DEEP = urlsafe_b64encode(b"[" * 5000).decode() + ".00"


@pytest.mark.parametrize("state", ["", "x", "bm90IEpTT04=.00", "W10=.00", DEEP])
def test_an_invalid_state_is_refused(browser: Browser, state: str) -> None:
    browser.get("/sign-in/example-idp")

    assert browser.get(f"/sign-in/example-idp/callback?state={state}&code={SSO}").status == 403


def test_an_answer_after_ten_minutes_is_refused(portal: World, browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/example-idp"))
    portal.clock.move(timedelta(minutes=10, seconds=1))

    answer = browser.get(callback(at_idp))

    assert answer.status == 403
    assert "took too long" in answer.body.decode()


def test_two_attempts_have_different_states(browser: Browser) -> None:
    states = {
        query_of(location(browser.get("/sign-in/example-idp")))["state"].partition(".")[0] for _ in "ab"
    }

    assert len(states) == 2


def test_an_identity_in_the_name_of_another_provider_starts_no_session(
    browser: Browser, idps: list[FakeRedirectProvider]
) -> None:
    at_idp = location(browser.get("/sign-in/example-idp"))
    idps[0].proves_as = "password"

    with suppress(ValueError):
        browser.get(callback(at_idp))

    assert SESSION not in browser.cookies


def test_a_service_account_is_refused_on_the_sign_in_page(browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/example-idp"))

    # The other users of this world have neither a kind nor a password, so they count as service accounts.
    answer = browser.get(callback(at_idp, DANA))

    assert answer.status == 401
    assert "This account cannot sign in." in answer.body.decode()
    assert SESSION not in browser.cookies
