"""Signing in, saying once more who one is, and signing out."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser_fixture import Chromium, Person, somebody
from tests.demo_fixture import Demo


def test_one_comes_to_the_page_first_asked_for(person: Person) -> None:
    page = person.sign_in("dana@example.com", "/profile?from=a%20link")

    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    person.find_nothing_wrong()


@pytest.mark.parametrize("username", ["dana@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_user_get_the_same_sentence(person: Person, username: str) -> None:
    page = person.visit("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    expect(page.get_by_label("Username")).to_have_value(username)
    expect(page.get_by_label("Password")).to_have_value("")


def test_the_cookies_of_a_sign_in_are_the_safest_there_are(dana: Person) -> None:
    cookies = {cookie["name"]: cookie for cookie in dana.context.cookies()}

    for name in ("__Host-daypass", "__Host-daypass_device"):
        cookie = cookies[name]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
            True,
            True,
            "Lax",
            "/",
        )


def test_a_planted_cookie_is_not_the_one_that_signs_in(person: Person) -> None:
    planted = "daypass_web_" + "a" * 38
    person.context.add_cookies(
        [{"name": "__Host-daypass", "value": planted, "url": person.demo.portal_url, "secure": True}]
    )

    person.sign_in("dana@example.com")

    values = {cookie["name"]: cookie["value"] for cookie in person.context.cookies()}
    assert values["__Host-daypass"] != planted


def test_signing_out_ends_the_sign_in_everywhere(chromium: Chromium, demo: Demo) -> None:
    with somebody(chromium, demo) as first, somebody(chromium, demo) as thief:
        first.sign_in("dana@example.com")
        thief.take_cookies(first)
        expect(thief.visit("/profile").get_by_role("heading", level=1)).to_have_text("Profile")

        first.page.get_by_role("button", name="dana@example.com").click()
        first.page.get_by_role("menuitem", name="Logout").click()
        first.page.wait_for_url("**/sign-in?out=1")

        thief.visit("/profile")
        expect(thief.page).to_have_url(re.compile(r"/sign-in\?"))
        expect(thief.page.get_by_role("status")).to_contain_text("Your sign-in has ended.")


def test_one_is_never_sent_to_another_site(person: Person) -> None:
    page = person.visit("/sign-in?next=//evil.example/%5C@")
    page.get_by_label("Username").fill("dana@example.com")
    page.get_by_label("Password").fill(person.demo.password("dana@example.com"))
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(f"{person.demo.portal_url}/profile")


def test_the_password_is_asked_once_more_and_one_comes_back(dana: Person) -> None:
    before = {cookie["name"]: cookie["value"] for cookie in dana.context.cookies()}
    page = dana.visit("/confirm?next=/profile")
    page.get_by_label("Password").fill(dana.demo.password("dana@example.com"))
    page.get_by_role("button", name="Confirm").click()

    page.wait_for_url("**/profile")
    expect(page.get_by_role("status")).to_contain_text("Confirmed.")
    after = {cookie["name"]: cookie["value"] for cookie in dana.context.cookies()}
    assert before["__Host-daypass"] != after["__Host-daypass"]


def test_signing_in_works_without_script(chromium: Chromium, demo: Demo) -> None:
    with somebody(chromium, demo, has_script=False) as person:
        page = person.sign_in("dana@example.com")

        expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
