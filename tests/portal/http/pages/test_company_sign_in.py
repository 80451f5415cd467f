"""Sign-in at a real OpenID Connect provider of the tests, from the button to the session and back out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.jwt import Issuers
from daypass.portal.identity.jwt.fetch import Fetcher
from daypass.portal.identity.providers.oidc.provider import OidcProvider
from daypass.portal.secret import Secret
from tests.fakes import NOON, FakeClock
from tests.fixtures.forging_issuer import ForgingIssuer, forging_issuer
from tests.portal.http.pages.test_redirect_provider import Browser, location
from tests.portal.http.world import PUBLIC_URL, World
from tests.portal.http.world import world as make_world

BEGIN = "/sign-in/oidc/idp"
LONG_AGO = int((NOON - timedelta(hours=3)).timestamp())


@dataclass(slots=True)
class Company:
    """A portal and the provider of its users."""

    portal: World
    issuer: ForgingIssuer

    def answer(self, at_idp: str, **changes: str | None) -> str:
        """Return the address at which the provider sends the browser back."""
        return f"{PUBLIC_URL}{BEGIN}/callback?{urlencode(self.issuer.authorize(at_idp, **changes))}"

    def signed_in(self, page: str = "/resources") -> Browser:
        """Return a browser in which alice has signed in."""
        browser = Browser(self.portal.client())
        at_idp = location(browser.get(f"{BEGIN}?{urlencode({'next': page})}"))
        assert location(browser.get(self.answer(at_idp))) == page
        return browser

    def log_out(self, token: str) -> int:
        """Send a logout token, and return the status."""
        body = urlencode({"logout_token": token}).encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        return self.portal.client().send("POST", f"{BEGIN}/logout", body=body, headers=headers).status


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    clock = FakeClock()
    with forging_issuer(clock) as issuer:
        issuer.person["preferred_username"] = "alice@example.com"
        issuer.id_token_changes = {"sid": "session-1"}
        secret = Secret(str(issuer.client_secret))
        config = ProviderConfig("idp", issuer.url, issuer.client_id, secret, "Example", creates_users=True)
        provider = OidcProvider(config, Issuers(clock, Fetcher(environment={})), clock)
        with make_world(sqlite_url, redirect_providers=lambda _database: [provider]) as portal:
            yield Company(portal, issuer)


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/profile").status == 200


def test_a_person_signs_in_and_returns_to_the_page(company: Company) -> None:
    browser = company.signed_in("/oauth/authorize?client_id=daypass-cli&request_uri=urn%3Ax")

    assert "alice@example.com" in browser.get("/profile").body.decode()


def test_a_code_in_another_browser_or_a_second_time_signs_nobody_in(company: Company) -> None:
    browser, other = Browser(company.portal.client()), Browser(company.portal.client())
    answer = company.answer(location(browser.get(BEGIN)))
    other.get(BEGIN)

    assert other.get(answer).status == 403
    assert SESSION not in other.cookies
    assert browser.get(answer).status == 303
    assert browser.get(answer).status == 403


def test_the_provider_s_error_is_shown_as_a_code_without_its_text(company: Company) -> None:
    browser = Browser(company.portal.client())
    at_idp = location(browser.get(BEGIN))

    answer = browser.get(
        company.answer(at_idp, code=None, error="access_denied", error_description="call 555-0100")
    )

    text = answer.body.decode()
    assert answer.status == 403
    assert "access_denied" in text
    assert "<code>provider_refused</code>" in text
    assert "555-0100" not in text


def test_a_reauthentication_needs_a_new_authentication_of_the_same_account(company: Company) -> None:
    browser = company.signed_in()
    before = browser.cookies[SESSION]

    company.issuer.id_token_changes = {"sid": "session-1", "auth_time": LONG_AGO}
    stale = browser.get(company.answer(location(browser.get("/confirm?next=/resources"))))
    company.issuer.id_token_changes = {"sid": "session-2", "sub": "bob-1"}
    swapped = browser.get(company.answer(location(browser.get("/confirm?next=/resources"))))
    assert (stale.status >= 400, swapped.status >= 400) == (True, True)
    assert browser.cookies[SESSION] == before

    company.issuer.id_token_changes = {"sid": "session-1"}
    fresh = browser.get(company.answer(location(browser.get("/confirm?next=/resources"))))
    assert location(fresh) == "/resources"
    assert browser.cookies[SESSION] != before
    assert company.log_out(company.issuer.logout_token(sid="session-1")) == 200
    assert not is_signed_in(browser)


def test_the_provider_ends_a_session_by_its_id_and_all_by_the_subject(company: Company) -> None:
    first = company.signed_in()
    company.issuer.id_token_changes = {"sid": "session-2"}
    second = company.signed_in()

    assert company.log_out(company.issuer.logout_token(sid="session-1", jti="one")) == 200
    assert (is_signed_in(first), is_signed_in(second)) == (False, True)
    company.issuer.id_token_changes = {"sid": "session-3"}
    third = company.signed_in()
    assert company.log_out(company.issuer.logout_token(sid=None, sub="alice-1", jti="two")) == 200
    assert (is_signed_in(second), is_signed_in(third)) == (False, False)


def test_a_logout_token_counts_once_and_an_id_token_never(company: Company) -> None:
    browser = company.signed_in()
    issuer = company.issuer
    id_token = issuer.token(issuer.id_claims(nonce="n", sid="session-1"))

    assert company.log_out(id_token) == 400
    assert is_signed_in(browser)
    token = issuer.logout_token(sid="session-1")
    assert [company.log_out(token) for _ in "ab"] == [200, 400]
