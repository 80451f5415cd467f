"""A portal whose identity provider does not answer: at its start, on the way there, and on the way back."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.jwt import Issuers
from daypass.portal.identity.jwt.fetch import Fetcher
from daypass.portal.identity.providers.oidc.provider import OidcProvider
from daypass.portal.secret import Secret
from tests.fakes import FakeClock
from tests.fixtures.forging_issuer import Answer, forging_issuer
from tests.portal.http.client import Answer as Response
from tests.portal.http.pages import passkey_browser
from tests.portal.http.pages.passkey_browser import give_password
from tests.portal.http.pages.test_company_sign_in import BEGIN, Company
from tests.portal.http.pages.test_redirect_provider import Browser, location
from tests.portal.http.world import DANA
from tests.portal.http.world import world as make_world

DISCOVERY, TOKENS = "/.well-known/openid-configuration", "/token"
DOWN = Answer(b"down for maintenance", status=503)
A_WHILE = timedelta(minutes=2)


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    """A portal that started while its provider was down."""
    clock = FakeClock()
    with forging_issuer(clock) as issuer:
        issuer.person["preferred_username"] = "alice@example.com"
        issuer.answers[DISCOVERY] = DOWN
        secret = Secret(str(issuer.client_secret))
        config = ProviderConfig("idp", issuer.url, issuer.client_id, secret, "Example", creates_users=True)
        provider = OidcProvider(config, Issuers(clock, Fetcher(environment={})), clock)
        with make_world(sqlite_url, redirect_providers=lambda _database: [provider]) as portal:
            portal.clock = clock
            yield Company(portal, issuer)


def check_says_so(answer: Response) -> None:
    text = answer.body.decode()
    assert (answer.status, "Sign-in with Example is not available at the moment." in text) == (503, True)
    assert "<code>provider_unavailable</code>" in text
    assert "maintenance" not in text


def test_the_page_says_so_and_passwords_still_work(company: Company) -> None:
    give_password(company.portal, DANA)
    browser = Browser(company.portal.client())

    refused = browser.get(f"{BEGIN}?next=/resources")

    check_says_so(refused)
    other_ways = re.search('href="([^"]+)">Other ways to sign in', refused.body.decode())
    assert other_ways is not None
    page = unescape(other_ways[1])
    assert page == "/sign-in?choose=1&next=/resources"
    by_password = passkey_browser.Browser(company.portal.client())
    assert 'type="password"' in by_password.get(page).body.decode()
    signed_in = by_password.enter_password(DANA, "/resources")
    assert (signed_in.status, signed_in.header("location")) == (303, "/resources")


def test_a_sign_in_works_once_the_provider_answers(company: Company) -> None:
    browser = Browser(company.portal.client())
    check_says_so(browser.get(BEGIN))

    del company.issuer.answers[DISCOVERY]
    company.portal.clock.move(A_WHILE)

    at_idp = location(browser.get(f"{BEGIN}?next=/resources"))
    assert location(browser.get(company.answer(at_idp))) == "/resources"


def test_a_provider_that_goes_down_during_the_sign_in_gives_no_session(company: Company) -> None:
    del company.issuer.answers[DISCOVERY]
    browser = Browser(company.portal.client())
    at_idp = location(browser.get(f"{BEGIN}?next=/resources"))
    company.issuer.answers[TOKENS] = DOWN

    refused = browser.get(company.answer(at_idp))

    check_says_so(refused)
    assert 'href="/sign-in/oidc/idp?next=/resources">Try again' in refused.body.decode()
    assert SESSION not in browser.cookies
