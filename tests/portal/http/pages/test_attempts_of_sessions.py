"""Attempts at a provider belong to the browser session that began them."""

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

from daypass.portal.http.layout.cookies import ATTEMPT, SESSION
from tests.fakes import FakeOidcProvider
from tests.portal.http.pages.test_redirect_provider import (
    METHODS,
    USERS,
    Browser,
    browser,
    callback,
    csrf_token,
    idps,
    location,
    portal,
    sign_in,
)
from tests.portal.http.world import World

__all__ = ["browser", "idps", "portal"]


def begin_link(browser: Browser) -> str:
    """Begin to link an account at the other provider; return the address of its answer."""
    page = browser.post(f"{METHODS}/link", csrf=csrf_token(browser), provider="other-idp").body.decode()
    found = re.search('href="(https://other.example.com/authorize[^"]+)"', page)
    assert found is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(unescape(found[1])).query).items()}
    return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': 'mallory'})}"


def sign_in_again(browser: Browser) -> None:
    """Sign the same user in anew, and keep the cookie of the attempt that was begun before."""
    attempt = browser.cookies[ATTEMPT]
    sign_in(browser)
    browser.cookies[ATTEMPT] = attempt


def test_a_link_that_another_session_of_the_user_began_is_refused(browser: Browser) -> None:
    sign_in(browser)
    answer = begin_link(browser)
    sign_in_again(browser)

    refused = browser.get(answer)

    assert refused.status == 403
    assert "Your sign-in was replaced or has ended since." in refused.body.decode()
    assert "mallory" not in browser.get(METHODS).body.decode()


def test_a_link_of_a_session_that_has_ended_is_refused(browser: Browser) -> None:
    sign_in(browser)
    answer = begin_link(browser)
    browser.post("/sign-out", csrf=csrf_token(browser))

    assert location(browser.get(answer)).startswith("/sign-in")

    sign_in(browser)
    assert "mallory" not in browser.get(METHODS).body.decode()


def test_a_reauthentication_that_another_session_of_the_user_began_is_refused(
    portal: World, browser: Browser, idps: list[FakeOidcProvider]
) -> None:
    sign_in(browser)
    idps[0].authenticated_at = portal.clock()
    answer = callback(location(browser.get(f"/confirm?next={USERS}")))
    sign_in_again(browser)
    before = browser.cookies[SESSION]

    refused = browser.get(answer)

    assert refused.status == 403
    assert "Your sign-in was replaced or has ended since." in refused.body.decode()
    assert browser.cookies[SESSION] == before
