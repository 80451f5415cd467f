"""Authentication, CSRF protection and compression of page endpoints."""

import pytest

from daypass.portal.http.layout.csrf import check_token, csrf_token
from tests.portal.http.layout.conftest import COOKIE, ORIGIN, VISIT_COOKIE, Browser

TOKEN = csrf_token(COOKIE)


def test_a_page_is_shown_to_the_user_of_the_session_cookie(browser: Browser) -> None:
    shown = browser.get("/page")

    assert shown.status == 200
    assert "dana@example.com" in shown.text


def test_a_bearer_token_does_not_authenticate_a_page(browser: Browser) -> None:
    answer = browser.get("/page", cookies="", authorization=f"Bearer {COOKIE}")

    assert answer.status == 303
    assert answer.headers["location"] == "/sign-in?next=/page"


def test_the_sign_in_redirect_returns_to_the_requested_page(browser: Browser) -> None:
    answer = browser.get("/page?tab=2&of=a%20b", cookies="")

    assert answer.headers["location"] == "/sign-in?next=/page%3Ftab%3D2%26of%3Da%2520b"


def test_an_expired_session_is_reported_and_its_cookie_deleted(browser: Browser) -> None:
    answer = browser.get("/page", cookies="__Host-daypass=ended")

    assert answer.headers["location"] == "/sign-in?next=/page&ended=1"
    assert (
        '__Host-daypass=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure' in answer.headers["set-cookie"]
    )


def test_a_page_for_administrators_is_refused_to_other_users(browser: Browser) -> None:
    answer = browser.get("/admin")

    assert answer.status == 403
    assert "This is for Administrators." in answer.text


@pytest.mark.parametrize(("origin", "site"), [(ORIGIN, "same-origin"), (ORIGIN, None), (None, "same-origin")])
def test_a_form_of_our_own_pages_is_accepted(browser: Browser, origin: str | None, site: str | None) -> None:
    answer = browser.post("/page", {"csrf": TOKEN, "what": "it"}, origin=origin, site=site)

    assert (answer.status, answer.headers["location"]) == (303, "/page")


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://evil.example", "cross-site"),
        ("https://evil.example", "same-origin"),
        ("https://evil.example", None),
        ("null", "same-origin"),
        (f"{ORIGIN}.evil.example", "same-origin"),
        (ORIGIN, "same-site"),
        (ORIGIN, "cross-site"),
        (ORIGIN, "none"),
        (None, "cross-site"),
        (None, None),
    ],
)
def test_a_form_of_another_site_is_refused_even_with_a_valid_token(
    browser: Browser, origin: str | None, site: str | None
) -> None:
    answer = browser.post("/page", {"csrf": TOKEN}, origin=origin, site=site)

    assert answer.status == 403
    assert "Another site sent this form" in answer.text


@pytest.mark.parametrize(
    "token",
    ["", "x", TOKEN[:-1], csrf_token("another session"), csrf_token(COOKIE, "else"), "é"],
    ids=["none", "short", "cut", "of another session", "of another purpose", "no hex"],
)
def test_a_form_without_a_token_of_this_session_is_refused(browser: Browser, token: str) -> None:
    answer = browser.post("/page", {"csrf": token})

    assert answer.status == 403
    assert "earlier session" in answer.text


def test_each_csrf_token_is_masked_differently() -> None:
    tokens = [bytes.fromhex(csrf_token(COOKIE)) for _ in range(64)]

    for token in tokens:
        check_token(COOKIE, token.hex())
    for start in range(len(tokens[0]) - 3):
        assert len({token[start : start + 4] for token in tokens}) == len(tokens)


def test_an_invalid_referer_is_ignored(browser: Browser) -> None:
    assert browser.get("/page", referer="https://[").status == 200
    assert browser.post("/page", {"csrf": ""}, referer="https://[").status == 403


def test_a_page_is_compressed_for_clients_that_accept_it(browser: Browser) -> None:
    plain, compressed = browser.get("/page"), browser.get("/page", accept_encoding="br, gzip")

    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.headers["content-length"] == str(len(compressed.body))
    assert compressed.headers["vary"] == "Accept-Encoding"
    assert compressed.text.partition('name="csrf"')[0] == plain.text.partition('name="csrf"')[0]
    assert len(compressed.body) < len(plain.body) / 2
    assert "content-encoding" not in plain.headers


def test_the_answer_to_a_form_is_never_compressed(browser: Browser) -> None:
    answer = browser.post("/shown", {"csrf": TOKEN}, accept_encoding="gzip")

    assert "<!doctype html>" in answer.text
    assert "content-encoding" not in answer.headers


def test_a_form_without_sign_in_needs_a_token_of_the_visit_cookie(browser: Browser) -> None:
    good = browser.get("/open", cookies=VISIT_COOKIE).text

    assert browser.post("/open", {"csrf": good}, cookies=VISIT_COOKIE).text == "done"
    assert browser.post("/open", {"csrf": good}, cookies="").status == 403
    assert browser.post("/open", {"csrf": csrf_token("")}, cookies="").status == 403


def test_a_body_that_is_no_form_is_refused(browser: Browser) -> None:
    answer = browser.post("/page", {"csrf": TOKEN}, content_type="application/json")

    assert answer.status == 422


def test_a_notice_is_shown_once_and_escaped(browser: Browser) -> None:
    done = browser.post("/page", {"csrf": TOKEN, "what": "<b>"})
    notice = done.headers["set-cookie"].partition(";")[0]

    shown = browser.get("/page", cookies=f"__Host-daypass={COOKIE}; {notice}")

    assert "Did &lt;b&gt;." in shown.text
    assert "__Host-daypass_notice=" in shown.headers["set-cookie"]
