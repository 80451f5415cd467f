"""The pages of sign-in and reauthentication at an identity provider with pages of its own."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from sqlalchemy import Connection

from daypass.portal.admin.users.break_glass import BreakGlassAccount
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.errors import StorageUnavailable
from daypass.portal.http.layout.cookies import ATTEMPT, SESSION
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import add_identity
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.providers.oidc.model import LogoutToken
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.identity.store.users import add_user
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TENANT_AUTHENTICATION_AGE
from daypass.portal.storage.engine import Database
from tests.fakes import EXAMPLE_IDP, NOON, FakeOidcProvider
from tests.portal.http.client import PEER, Answer, Client
from tests.portal.http.world import ADMIN, DANA, DEV, PUBLIC_URL, World
from tests.portal.http.world import world as make_world
from tests.rows import disable_user

SSO = "sso@example.com"
SSO_SUBJECT, DANA_SUBJECT = "00u-sso", "00u-dana"
AT_IDP = "https://idp.example.com/authorize?"
USERS = "/administrator/users"


@dataclass(slots=True)
class Browser:
    """A browser that keeps cookies, and stops before the provider's page."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)
    user_agent: str = "test"

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
            ("User-Agent", self.user_agent),
        ]
        answer = self.client.send(method, path, body=body, headers=headers, query=query)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
        return answer


@pytest.fixture
def idps() -> list[FakeOidcProvider]:
    """The providers of the portal, once it is built."""
    return []


@pytest.fixture
def portal(sqlite_url: str, idps: list[FakeOidcProvider]) -> Iterator[World]:
    """A portal with passwords and two redirect providers, and an Administrator without a password."""

    def providers(_database: Database) -> list[FakeOidcProvider]:
        other = replace(EXAMPLE_IDP, name="other-idp", label="Other", issuer="https://other.example.com")
        idps.extend((FakeOidcProvider(), FakeOidcProvider(other)))
        return idps

    with make_world(sqlite_url, redirect_providers=providers) as created:
        user = User(UserId("50" * 16), SSO, Role.ADMINISTRATOR, UserKind.PERSON)
        with created.database.writing() as connection:
            add_user(user, None, at=NOON).apply(connection)
            link(connection, SSO_SUBJECT, user.id)
            link(connection, DANA_SUBJECT, created.users[DANA].id)
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


def link(connection: Connection, subject: str, user_id: UserId) -> None:
    identity = ExternalIdentity(EXAMPLE_IDP.name, EXAMPLE_IDP.issuer, subject, user_id, NOON)
    add_identity(identity).apply(connection)


def callback(address: str, subject: str = SSO_SUBJECT) -> str:
    """Return the address at which the provider's page at *address* sends the browser back."""
    asked = query_of(address)
    return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': subject})}"


def sign_in(browser: Browser) -> None:
    at_idp = location(browser.get(f"/sign-in/oidc/example-idp?next={USERS}"))
    assert location(browser.get(callback(at_idp))) == USERS


def csrf_token(browser: Browser) -> str:
    found = re.search('name="csrf" value="([0-9a-f]+)"', browser.get(USERS).body.decode())
    assert found is not None
    return found[1]


def test_the_sign_in_page_offers_the_form_and_a_link_for_each_other_provider(browser: Browser) -> None:
    text = browser.get("/sign-in?next=/resources").body.decode()

    assert 'name="password"' in text
    assert 'href="/sign-in/oidc/example-idp?next=/resources">Sign in with Example IdP</a>' in text
    assert 'href="/sign-in/oidc/other-idp?next=/resources">Sign in with Other</a>' in text


def test_a_sign_in_at_the_provider_starts_a_session_and_returns_to_the_page(browser: Browser) -> None:
    sign_in(browser)

    assert browser.get(USERS).status == 200


def test_reauthentication_leads_to_the_provider_and_not_to_a_password(
    portal: World, browser: Browser, idps: list[FakeOidcProvider]
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


@pytest.mark.parametrize("at_provider", [NOON - timedelta(hours=2), None])
def test_a_tenant_asks_for_an_authentication_at_the_provider_before_it_gives_a_session(
    portal: World, browser: Browser, idps: list[FakeOidcProvider], at_provider: datetime | None
) -> None:
    portal.set(TENANT_AUTHENTICATION_AGE, "60", DEV)
    idps[0].config = replace(EXAMPLE_IDP, acr_values=("phr",))
    # The user signs in with an old session at the provider, or the provider tells no time.
    idps[0].authenticated_at = at_provider
    sign_in(browser)
    form = {"tenant": DEV.id}

    asked = browser.post("/console", csrf=csrf_token(browser), **form)
    assert (asked.status, "Continue to Example IdP" in asked.body.decode()) == (403, True)
    at_idp = location(browser.get("/confirm?provider=1&next=/profile"))
    assert (query_of(at_idp)["max_age"], query_of(at_idp)["acr_values"]) == ("0", "phr")
    # The browser removed the demand from the address, so the provider did not ask again.
    assert browser.get(callback(at_idp)).status == 401
    assert browser.post("/console", csrf=csrf_token(browser), **form).status == 403

    at_idp = location(browser.get("/confirm?provider=1&next=/profile"))
    idps[0].authenticated_at = portal.clock()
    assert location(browser.get(callback(at_idp))) == "/profile"
    assert location(browser.post("/console", csrf=csrf_token(browser), **form)).startswith("https://")


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
    at_idp = location(browser.get("/sign-in/oidc/example-idp"))
    victim = Browser(portal.client())
    victim.get("/sign-in")

    answer = victim.get(callback(at_idp))

    assert answer.status == 403
    assert "not started in this browser" in answer.body.decode()
    assert SESSION not in victim.cookies


def test_an_answer_at_the_callback_of_another_provider_is_refused(browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/oidc/example-idp"))

    answer = browser.get(callback(at_idp).replace("/example-idp/", "/other-idp/"))

    assert answer.status == 403
    assert SESSION not in browser.cookies


@pytest.mark.parametrize("state", ["", "x", "%00", "%ED%A0%80", "s" * 5000])
def test_an_invalid_state_is_refused(browser: Browser, state: str) -> None:
    browser.get("/sign-in/oidc/example-idp")

    assert browser.get(f"/sign-in/oidc/example-idp/callback?state={state}&code={SSO_SUBJECT}").status == 403


def test_an_answer_after_ten_minutes_is_refused(portal: World, browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/oidc/example-idp"))
    portal.clock.move(timedelta(minutes=10, seconds=1))

    answer = browser.get(callback(at_idp))

    assert answer.status == 403
    assert "took longer than 10 minutes" in answer.body.decode()


def test_two_attempts_have_different_states(browser: Browser) -> None:
    states = {query_of(location(browser.get("/sign-in/oidc/example-idp")))["state"] for _ in "ab"}

    assert len(states) == 2


def test_a_service_account_is_refused_on_the_sign_in_page(browser: Browser) -> None:
    at_idp = location(browser.get("/sign-in/oidc/example-idp"))

    # The other users of this world have neither a kind nor a password, so they count as service accounts.
    answer = browser.get(callback(at_idp, DANA_SUBJECT))

    assert answer.status == 401
    assert "This account cannot sign in." in answer.body.decode()
    assert SESSION not in browser.cookies


def only_provider(url: str, idp: FakeOidcProvider) -> AbstractContextManager[World]:
    """Return a portal with one provider, and passwords for emergencies only."""
    return make_world(
        url, redirect_providers=lambda _database: [idp], password_sign_in=PasswordSignIn.BREAK_GLASS
    )


def test_an_answer_counts_once(browser: Browser) -> None:
    answer = callback(location(browser.get("/sign-in/oidc/example-idp")))
    cookies = dict(browser.cookies)
    assert browser.get(answer).status == 303
    browser.cookies = cookies

    assert browser.get(answer).status == 403


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in"])
def test_a_sign_in_returns_to_pages_of_the_portal_only(browser: Browser, address: str) -> None:
    at_idp = location(browser.get(f"/sign-in/oidc/example-idp?next={quote(address)}"))

    assert location(browser.get(callback(at_idp))) == "/profile"


def test_an_account_without_access_gets_a_page_that_says_so(browser: Browser) -> None:
    answer = browser.get(
        callback(location(browser.get("/sign-in/oidc/example-idp?next=/resources")), "00u-x")
    )

    text = answer.body.decode()
    assert answer.status == 403
    assert "Your account at Example IdP has no access here yet." in text
    assert "<code>account_refused</code>" in text
    assert 'href="/sign-in/oidc/example-idp?next=/resources"' in text
    assert SESSION not in browser.cookies


def test_the_first_sign_in_creates_a_user_with_a_session(sqlite_url: str) -> None:
    idp = FakeOidcProvider(replace(EXAMPLE_IDP, creates_users=True))
    idp.claims["00u-new"] = {"preferred_username": "new@example.com"}
    with make_world(sqlite_url, redirect_providers=lambda _database: [idp]) as portal:
        browser = Browser(portal.client())

        assert location(browser.get(callback(location(browser.get("/sign-in/oidc/example-idp")), "00u-new")))

        assert "new@example.com" in browser.get("/profile").body.decode()


def test_a_link_names_the_provider(browser: Browser) -> None:
    assert (
        location(browser.get("/sign-in?provider=other-idp&next=/resources"))
        == "/sign-in/oidc/other-idp?next=/resources"
    )
    assert browser.get("/sign-in?provider=unknown").status == 200


def test_with_one_provider_and_no_passwords_the_sign_in_page_leads_there(sqlite_url: str) -> None:
    with only_provider(sqlite_url, FakeOidcProvider()) as portal:
        browser = Browser(portal.client())

        begin = "/sign-in/oidc/example-idp"
        assert location(browser.get("/sign-in?next=/resources")) == f"{begin}?next=/resources"
        assert location(browser.get("/sign-in?ended=1")) == begin
        after_sign_out = browser.get("/sign-in?out=1")
        assert after_sign_out.status == 200
        assert 'type="password"' not in after_sign_out.body.decode()


@pytest.mark.parametrize("passwords", list(PasswordSignIn))
def test_before_the_first_administrator_the_page_offers_providers_and_leads_to_none(
    sqlite_url: str, passwords: PasswordSignIn
) -> None:
    providers = [FakeOidcProvider()]
    with make_world(
        sqlite_url, redirect_providers=lambda _database: providers, password_sign_in=passwords
    ) as portal:
        with portal.database.writing() as connection:
            disable_user(connection, portal.users[ADMIN].id, portal.clock())
        browser = Browser(portal.client())

        page = browser.get("/sign-in?next=/resources")

        text = page.body.decode()
        assert "daypass portal create-admin you@example.com" in text
        assert 'href="/sign-in/oidc/example-idp?next=/resources"' in text
        assert 'type="password"' not in text
        asked = browser.get("/sign-in?provider=example-idp&next=/resources")
        assert location(asked) == "/sign-in/oidc/example-idp?next=/resources"


def test_the_emergency_account_has_a_form_of_its_own(sqlite_url: str) -> None:
    with only_provider(sqlite_url, FakeOidcProvider()) as portal:
        browser = Browser(portal.client())

        assert (
            'href="/sign-in?password=1&amp;next=/profile"' in browser.get("/sign-in?choose=1").body.decode()
        )
        form = browser.get("/sign-in?password=1").body.decode()
        assert 'type="password"' in form
        assert "accepts the password of its break-glass account only." in form


def test_the_break_glass_account_has_a_password_and_links_no_account(sqlite_url: str) -> None:
    password = Secret("correct horse battery")
    with only_provider(sqlite_url, FakeOidcProvider()) as portal:
        account = BreakGlassAccount(portal.database, portal.committer, portal.clock)
        user, _ = account.set_up("break-glass@example.com", password, replaces=False)
        browser = Browser(portal.client())
        form = browser.get("/sign-in?password=1").body.decode()
        token = re.search('name="csrf" value="([0-9a-f]+)"', form)
        assert token is not None
        browser.post("/sign-in", csrf=token[1], username=user.username, password=password.reveal())

        page = browser.get(METHODS).body.decode()

        assert "signs in with its password at any time. Only the operator can set a new one." in page
        assert "must not depend on an identity provider" in page
        assert "Link an account" not in page


def test_a_provider_that_is_down_gets_a_page_and_no_loop(sqlite_url: str) -> None:
    idp = FakeOidcProvider(error=StorageUnavailable("Example IdP did not answer. Try again in a minute."))
    with only_provider(sqlite_url, idp) as portal:
        browser = Browser(portal.client())

        answer = browser.get("/sign-in/oidc/example-idp")

        assert answer.status == 503
        text = answer.body.decode()
        assert "Example IdP did not answer." in text
        other_ways = re.search('href="([^"]+)">Other ways to sign in', text)
        assert other_ways is not None
        assert browser.get(unescape(other_ways[1])).status == 200


def add_bob(portal: World) -> None:
    """Add another person with an account at the provider."""
    bob = User(UserId("51" * 16), "bob@example.com", Role.USER, UserKind.PERSON)
    with portal.database.writing() as connection:
        add_user(bob, None, at=NOON).apply(connection)
        link(connection, "00u-bob", bob.id)


def test_a_reauthentication_of_a_user_who_was_replaced_meanwhile_is_refused(
    portal: World, browser: Browser
) -> None:
    sign_in(browser)
    at_idp = location(browser.get(f"/confirm?next={USERS}"))
    attempt = browser.cookies[ATTEMPT]
    add_bob(portal)
    browser.get(callback(location(browser.get("/sign-in/oidc/example-idp")), "00u-bob"))
    before, browser.cookies[ATTEMPT] = browser.cookies[SESSION], attempt

    answer = browser.get(callback(at_idp, "00u-bob"))

    assert answer.status == 403
    assert "Another user has signed in since" in answer.body.decode()
    assert browser.cookies[SESSION] == before


def test_a_reauthentication_as_another_user_is_refused(
    portal: World, browser: Browser, idps: list[FakeOidcProvider]
) -> None:
    sign_in(browser)
    before = browser.cookies[SESSION]
    add_bob(portal)
    idps[0].authenticated_at = portal.clock()
    at_idp = location(browser.get(f"/confirm?next={USERS}"))

    answer = browser.get(callback(at_idp, "00u-bob"))

    assert answer.status == 401
    text = answer.body.decode()
    assert "not the account" in text
    assert "<h1>Your identity is not confirmed</h1>" in text
    assert f'href="/confirm?next={USERS}">Try again' in text
    assert f'href="{USERS}">Go back' in text
    assert 'href="/sign-in' not in text
    assert browser.cookies[SESSION] == before


LOGOUT = "/sign-in/oidc/example-idp/logout"
OF_SSO = LogoutToken(f"sid-{SSO_SUBJECT}", SSO_SUBJECT, "jti", NOON + timedelta(minutes=2))


def send_logout(portal: World, body: str, content_type: str = "application/x-www-form-urlencoded") -> Answer:
    """Send a logout token as a provider does: without cookies, and without an origin."""
    headers = [("Content-Type", content_type)]
    return portal.client().send("POST", LOGOUT, body=body.encode(), headers=headers)


def test_the_provider_ends_a_session_once(
    portal: World, browser: Browser, idps: list[FakeOidcProvider]
) -> None:
    sign_in(browser)
    idps[0].logout_tokens["a-token"] = OF_SSO

    answer = send_logout(portal, "logout_token=a-token")

    assert (answer.status, answer.body, answer.header("cache-control")) == (200, b"", "no-store")
    assert location(browser.get(USERS)) == f"/sign-in?next={USERS}&ended=1"
    again = send_logout(portal, "logout_token=a-token")
    assert (again.status, again.header("cache-control")) == (400, "no-store")


def test_an_unknown_session_is_no_error_for_the_provider(
    portal: World, browser: Browser, idps: list[FakeOidcProvider]
) -> None:
    browser.get("/sign-in")
    idps[0].logout_tokens["a-token"] = replace(OF_SSO, sid="unknown")

    assert send_logout(portal, "logout_token=a-token").status == 200


@pytest.mark.parametrize(
    "body", ["", "logout_token=", "logout_token=unknown", "logout_token=a&logout_token=a", "other=a-token"]
)
def test_an_invalid_logout_token_is_refused(body: str, portal: World, browser: Browser) -> None:
    sign_in(browser)

    answer = send_logout(portal, body)

    assert (answer.status, answer.header("cache-control")) == (400, "no-store")
    assert browser.get(USERS).status == 200


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_sign_out_ends_the_session_here_and_then_at_the_provider(sqlite_url: str, *, is_kept: bool) -> None:
    config = replace(EXAMPLE_IDP, creates_users=True, sends_id_token_hint=is_kept)
    idp = FakeOidcProvider(config, ends_sessions=True)
    idp.claims["00u-new"] = {"preferred_username": "new@example.com"}
    with only_provider(sqlite_url, idp) as portal:
        browser = Browser(portal.client())
        browser.get(callback(location(browser.get("/sign-in/oidc/example-idp")), "00u-new"))
        form = re.search('name="csrf" value="([0-9a-f]+)"', browser.get("/profile").body.decode())
        assert form is not None
        session = browser.cookies[SESSION]

        answer = browser.post("/sign-out", csrf=form[1])

        page = unescape(answer.body.decode())
        found = re.search('content="0; url=([^"]+)"', page)
        assert found is not None
        asked = {name: values[0] for name, values in parse_qs(urlsplit(found[1]).query).items()}
        assert found[1].startswith("https://idp.example.com/logout?")
        assert asked["client_id"] == "daypass"
        assert asked["state"]
        assert asked.get("id_token_hint") == ("an-id-token" if is_kept else None)
        back = asked["post_logout_redirect_uri"]
        assert location(browser.get(back)) == "/sign-in?out=1"
        assert browser.get("/sign-in?out=1").status == 200
        browser.cookies[SESSION] = session
        assert location(browser.get("/profile")).startswith("/sign-in")


METHODS = "/sign-in-methods"


def test_a_user_links_an_account_and_signs_in_with_it(browser: Browser) -> None:
    sign_in(browser)

    page = browser.post(f"{METHODS}/link", csrf=csrf_token(browser), provider="other-idp")

    url = re.search('href="(https://other.example.com/authorize[^"]+)"', page.body.decode())
    assert url is not None
    at_idp = unescape(url[1])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(at_idp).query).items()}
    answer = browser.get(f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': 'new'})}")
    assert location(answer) == METHODS
    assert "You can now sign in with new at Other." in browser.get(METHODS).body.decode()


def test_a_refused_link_leads_back_to_the_methods_and_not_to_a_sign_in(browser: Browser) -> None:
    sign_in(browser)
    page = browser.post(f"{METHODS}/link", csrf=csrf_token(browser), provider="example-idp")
    url = re.search('href="(https://[^"]+)"', page.body.decode())
    assert url is not None

    answer = browser.get(callback(unescape(url[1])))

    text = answer.body.decode()
    assert answer.status == 403
    assert "<h1>The account is not linked</h1>" in text
    assert "is linked to sso@example.com already." in text
    assert f'href="{METHODS}">Back to Sign-in methods' in text
    assert "Ask an Administrator" not in text
    assert 'href="/sign-in/oidc' not in text


def test_a_link_needs_the_form_of_this_portal_and_a_recent_sign_in(portal: World, browser: Browser) -> None:
    sign_in(browser)

    forged = browser.post(f"{METHODS}/link", csrf="00", provider="other-idp")
    assert (forged.status, ATTEMPT in browser.cookies and browser.cookies[ATTEMPT]) == (403, '""')

    form = {"csrf": csrf_token(browser), "provider": "other-idp"}
    portal.clock.move(RECENT + timedelta(seconds=1))
    asked = browser.post(f"{METHODS}/link", **form)
    assert asked.status == 403
    assert "Continue to Example IdP" in asked.body.decode()


def test_the_only_way_in_stays_linked(browser: Browser) -> None:
    sign_in(browser)
    key = {"provider": EXAMPLE_IDP.name, "issuer": EXAMPLE_IDP.issuer, "subject": SSO_SUBJECT}

    answer = browser.post(f"{METHODS}/unlink", csrf=csrf_token(browser), **key)

    assert answer.status == 409
    assert "This is the only way in which sso@example.com can sign in." in answer.body.decode()


def test_an_administrator_links_by_the_subject_and_unlinks(portal: World, browser: Browser) -> None:
    sign_in(browser)
    add_bob(portal)
    page = f"{USERS}/{'51' * 16}/sign-in-methods"

    linked = browser.post(page, csrf=csrf_token(browser), provider="other-idp", subject="bob-at-other")
    assert location(linked) == page
    text = browser.get(page).body.decode()
    assert "bob-at-other" in text
    key = {"provider": "other-idp", "issuer": "https://other.example.com", "subject": "bob-at-other"}
    assert location(browser.post(f"{page}/unlink", csrf=csrf_token(browser), **key)) == page
    assert "bob-at-other" not in browser.get(page).body.decode()

    taken = browser.post(page, csrf=csrf_token(browser), provider="example-idp", subject=SSO_SUBJECT)
    assert taken.status == 403
    assert "linked to another user already" in taken.body.decode()
    portal.clock.move(RECENT + timedelta(seconds=1))
    late = browser.post(page, csrf=csrf_token(browser), provider="other-idp", subject="late")
    assert "Confirm your identity" in late.body.decode()


def test_the_profile_lists_sign_ins_with_method_device_address_and_time(browser: Browser) -> None:
    browser.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    sign_in(browser)

    text = browser.get("/profile").body.decode()

    table = text[text.index("<h2>My sign-ins</h2>") :]
    row = table[table.index("<tbody>") : table.index("</tbody>")]
    since = f'data-label="Since"><time datetime="{NOON.isoformat()}"'
    parts = "Firefox on Linux", "Example IdP", PEER, "Current", since
    assert [part for part in parts if part not in row] == []
