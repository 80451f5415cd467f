"""Who gets in to a page, and which forms are taken for what a person meant."""

import pytest

from daypass.portal.http.layout.csrf import check_token, csrf_token
from tests.portal.http.layout.conftest import COOKIE, ORIGIN, VISIT_COOKIE, Browser

TOKEN = csrf_token(COOKIE)


def test_a_page_is_shown_to_whom_the_cookie_stands_for(browser: Browser) -> None:
    shown = browser.get("/page")

    assert shown.status == 200
    assert "dana@example.com" in shown.text


def test_a_bearer_token_opens_no_page(browser: Browser) -> None:
    answer = browser.get("/page", cookies="", authorization=f"Bearer {COOKIE}")

    assert answer.status == 303
    assert answer.headers["location"] == "/sign-in?next=/page"


def test_without_a_sign_in_one_comes_back_to_the_page_asked_for(browser: Browser) -> None:
    answer = browser.get("/page?tab=2&of=a%20b", cookies="")

    assert answer.headers["location"] == "/sign-in?next=/page%3Ftab%3D2%26of%3Da%2520b"


def test_a_sign_in_that_ended_is_said_so_and_its_cookie_goes(browser: Browser) -> None:
    answer = browser.get("/page", cookies="__Host-daypass=ended")

    assert answer.headers["location"] == "/sign-in?next=/page&ended=1"
    assert (
        '__Host-daypass=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure' in answer.headers["set-cookie"]
    )


def test_a_page_for_administrators_is_a_refusal_for_everybody_else(browser: Browser) -> None:
    answer = browser.get("/admin")

    assert answer.status == 403
    assert "This is for Administrators." in answer.text


@pytest.mark.parametrize(("origin", "site"), [(ORIGIN, "same-origin"), (ORIGIN, None), (None, "same-origin")])
def test_a_form_of_ours_is_taken(browser: Browser, origin: str | None, site: str | None) -> None:
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
def test_a_form_of_another_site_is_not_taken_even_with_the_token(
    browser: Browser, origin: str | None, site: str | None
) -> None:
    answer = browser.post("/page", {"csrf": TOKEN}, origin=origin, site=site)

    assert answer.status == 403
    assert "Another site sent this form" in answer.text


@pytest.mark.parametrize(
    "token",
    ["", "x", TOKEN[:-1], csrf_token("another sign-in"), csrf_token(COOKIE, "else"), "é"],
    ids=["none", "short", "cut", "of another sign-in", "of another purpose", "no hex"],
)
def test_a_form_without_the_token_of_this_sign_in_is_not_taken(browser: Browser, token: str) -> None:
    answer = browser.post("/page", {"csrf": token})

    assert answer.status == 403
    assert "earlier session" in answer.text


def test_the_token_reads_differently_each_time_and_shows_nothing_that_stays() -> None:
    tokens = [bytes.fromhex(csrf_token(COOKIE)) for _ in range(64)]

    for token in tokens:
        check_token(COOKIE, token.hex())
    for start in range(len(tokens[0]) - 3):
        assert len({token[start : start + 4] for token in tokens}) == len(tokens)


def test_a_referer_that_is_no_address_keeps_nobody_from_a_page(browser: Browser) -> None:
    assert browser.get("/page", referer="https://[").status == 200
    assert browser.post("/page", {"csrf": ""}, referer="https://[").status == 403


def test_a_page_is_packed_for_who_can_unpack_it(browser: Browser) -> None:
    bare, packed = browser.get("/page"), browser.get("/page", accept_encoding="br, gzip")

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.text.partition('name="csrf"')[0] == bare.text.partition('name="csrf"')[0]
    assert len(packed.body) < len(bare.body) / 2
    assert "content-encoding" not in bare.headers


def test_what_a_form_is_answered_with_is_never_packed(browser: Browser) -> None:
    answer = browser.post("/shown", {"csrf": TOKEN}, accept_encoding="gzip")

    assert "<!doctype html>" in answer.text
    assert "content-encoding" not in answer.headers


def test_a_form_for_anybody_stands_on_the_visit(browser: Browser) -> None:
    good = browser.get("/open", cookies=VISIT_COOKIE).text

    assert browser.post("/open", {"csrf": good}, cookies=VISIT_COOKIE).text == "done"
    assert browser.post("/open", {"csrf": good}, cookies="").status == 403
    assert browser.post("/open", {"csrf": csrf_token("")}, cookies="").status == 403


def test_what_is_no_form_is_refused(browser: Browser) -> None:
    answer = browser.post("/page", {"csrf": TOKEN}, content_type="application/json")

    assert answer.status == 422


def test_what_was_done_is_said_once(browser: Browser) -> None:
    done = browser.post("/page", {"csrf": TOKEN, "what": "<b>"})
    notice = done.headers["set-cookie"].partition(";")[0]

    shown = browser.get("/page", cookies=f"__Host-daypass={COOKIE}; {notice}")

    assert "Did &lt;b&gt;." in shown.text
    assert "__Host-daypass_notice=" in shown.headers["set-cookie"]
