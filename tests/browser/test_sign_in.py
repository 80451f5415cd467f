"""Sign-in, reauthentication and sign-out in a browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo


def test_sign_in_leads_to_the_requested_page(user: User) -> None:
    page = user.sign_in("dana@example.com", "/profile?from=a%20link")

    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    user.assert_no_errors()


@pytest.mark.parametrize("username", ["dana@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_user_get_the_same_error(user: User, username: str) -> None:
    page = user.visit("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    expect(page.get_by_label("Username")).to_have_value(username)
    expect(page.get_by_label("Password")).to_have_value("")


def test_session_cookies_are_secure_http_only_and_host_bound(dana: User) -> None:
    cookies = {cookie["name"]: cookie for cookie in dana.context.cookies()}

    for name in ("__Host-daypass", "__Host-daypass_device"):
        cookie = cookies[name]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
            True,
            True,
            "Lax",
            "/",
        )


def test_a_planted_session_cookie_is_replaced_at_sign_in(user: User) -> None:
    planted = "daypass_web_" + "a" * 38
    user.context.add_cookies(
        [{"name": "__Host-daypass", "value": planted, "url": user.demo.portal_url, "secure": True}]
    )

    user.sign_in("dana@example.com")

    values = {cookie["name"]: cookie["value"] for cookie in user.context.cookies()}
    assert values["__Host-daypass"] != planted


def test_sign_out_ends_the_session_for_copied_cookies_too(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo) as first, new_user(chromium, demo) as thief:
        first.sign_in("dana@example.com")
        thief.take_cookies(first)
        expect(thief.visit("/profile").get_by_role("heading", level=1)).to_have_text("Profile")

        first.page.get_by_role("button", name="dana@example.com").click()
        first.page.get_by_role("menuitem", name="Logout").click()
        first.page.wait_for_url("**/sign-in?out=1")

        thief.visit("/profile")
        expect(thief.page).to_have_url(re.compile(r"/sign-in\?"))
        expect(thief.page.get_by_role("status")).to_contain_text("Your session has ended.")


def test_sign_in_never_redirects_to_another_site(user: User) -> None:
    page = user.visit("/sign-in?next=//evil.example/%5C@")
    page.get_by_label("Username").fill("dana@example.com")
    page.get_by_label("Password").fill(user.demo.password("dana@example.com"))
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(f"{user.demo.portal_url}/profile")


def test_reauthentication_returns_to_the_page(dana: User) -> None:
    before = {cookie["name"]: cookie["value"] for cookie in dana.context.cookies()}
    page = dana.visit("/confirm?next=/profile")
    page.get_by_label("Password").fill(dana.demo.password("dana@example.com"))
    page.get_by_role("button", name="Confirm").click()

    page.wait_for_url("**/profile")
    expect(page.get_by_role("status")).to_contain_text("Password confirmed.")
    after = {cookie["name"]: cookie["value"] for cookie in dana.context.cookies()}
    assert before["__Host-daypass"] != after["__Host-daypass"]


def test_sign_in_works_without_script(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, has_script=False) as user:
        page = user.sign_in("dana@example.com")

        expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
