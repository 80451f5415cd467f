"""Sign-in of the real CLI through a real browser."""

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from daypass.cli.auth.callback_server import MAX_REQUESTS
from daypass.cli.cache.files import CacheFile
from tests.browser.framing import BLOCKED, failure_in_a_frame
from tests.browser.laptop import Laptop, authorize
from tests.browser.listener import listening
from tests.cli.sign_in import OTHER_CODE
from tests.fixtures.browser import PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo

DANA, ADMIN = "dana@example.com", "admin@example.com"
DEV = ("aws", "--tenant", "dev01")


@pytest.fixture
def laptop(demo: Demo, tmp_path: Path) -> Laptop:
    return Laptop(demo, tmp_path)


def test_after_authorization_keys_are_issued_without_another_prompt(laptop: Laptop, user: User) -> None:
    with laptop.types(*DEV) as terminal:
        # The signed request in the link may contain letters that look like a code.
        match_code = terminal.until(r"(?<= show )[A-Z]{4}-[A-Z]{4}(?=\?)")
        page = user.sign_in(DANA, laptop.address())
        expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
        expect(page.get_by_text(match_code)).to_be_visible()
        button, hint = page.locator("main form"), page.get_by_text("If your browser cannot connect")
        assert _bottom(button) + 12 <= _top(hint)
        expect(page.get_by_text("dev01")).to_be_visible()
        user.assert_no_errors()
        authorize(page)
        code, out = terminal.end()

    assert code == 0, terminal.seen
    keys = json.loads(out)
    assert keys["AccessKeyId"].startswith("ASIA")
    assert f"as {DANA} until" in terminal.seen
    assert page.url == f"{laptop.demo.portal_url}/oauth/done"
    assert laptop.kept() == [".portal", ".sign-in"]

    with laptop.types(*DEV) as terminal:
        assert terminal.end() == (0, out)
    assert len(laptop.tabs.opened) == 1


def _top(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"]


def _bottom(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_a_denied_consent_ends_the_command(laptop: Laptop, dana: User) -> None:
    with laptop.types(*DEV) as terminal:
        page = dana.visit(laptop.address())
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Return to your terminal")
        code, out = terminal.end()

    assert (code, out) == (3, "")
    assert "declined" in terminal.seen


def test_a_command_can_be_stopped_after_the_tab_is_closed(laptop: Laptop, dana: User) -> None:
    with laptop.types(*DEV) as terminal:
        terminal.until("paste it here")
        dana.visit(laptop.address()).close()
        terminal.press_ctrl_c()
        assert terminal.end() == (130, "")

    assert laptop.kept() == []


def test_a_consent_after_the_command_has_ended_says_what_to_do(laptop: Laptop, dana: User) -> None:
    with laptop.types(*DEV) as terminal:
        page = dana.visit(laptop.address())
        terminal.until("paste it here")
        terminal.press_ctrl_c()
        terminal.end()
    button = page.get_by_role("button", name="Authorize", exact=True)
    expect(button).to_have_attribute("aria-disabled", "false")

    expect(page.locator("main")).to_contain_text("If your browser cannot connect after you authorize")
    with page.expect_event("requestfailed", lambda request: "/cb/" in request.url):
        button.click()
    page.wait_for_url("chrome-error://**")

    # Back from the browser's error page leads to the instructions.
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("This request has expired")
    expect(page.locator("main")).to_contain_text(
        "the command ended before it received the answer. Run it again."
    )
    dana.errors.clear()

    # The code was not delivered, but the consent was given and cannot be given twice.
    later = dana.context.new_page()
    later.goto(f"{laptop.demo.portal_url}{laptop.address()}")
    expect(later.get_by_role("heading", level=1)).to_have_text("This request has expired")
    assert laptop.kept() == []


def test_a_code_can_be_pasted_into_the_terminal(laptop: Laptop, dana: User) -> None:
    with laptop.types("login", "--no-browser", BROWSER="") as terminal:
        # With trailing white space, because terminal output is read in chunks.
        address = terminal.until(r"https://localhost:\d+/oauth/authorize\S+\s").strip()
        page = dana.visit(address.removeprefix(laptop.demo.portal_url))
        button = page.get_by_role("button", name="Authorize", exact=True)
        expect(button).to_have_attribute("aria-disabled", "false")
        button.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Paste this into your terminal")
        dana.assert_no_errors()
        page.get_by_role("button", name="Copy code").click()
        terminal.type(dana.clipboard())
        code, _ = terminal.end()

    assert code == 0, terminal.seen


def test_without_script_the_page_shows_a_code(laptop: Laptop, chromium: Chromium) -> None:
    with new_user(chromium, laptop.demo, has_script=False) as user, laptop.types(*DEV) as terminal:
        page = user.sign_in(DANA, laptop.address())
        # The click must come after the arming delay of 700 ms.
        page.get_by_role("button", name="Authorize", exact=True).click()
        if "too fast" in page.content():
            page.wait_for_timeout(800)
            page.get_by_role("button", name="Authorize", exact=True).click()
        code = page.locator("code", has_text="daypass_code_").inner_text()
        terminal.type(code)
        ended, out = terminal.end()

    assert ended == 0, terminal.seen
    assert json.loads(out)["Version"] == 1


def test_a_page_that_sends_foreign_codes_to_every_port_achieves_nothing(laptop: Laptop, dana: User) -> None:
    # Chromium blocks requests to 127.0.0.1 from other origins, so this page is served there, too.
    with laptop.types("login") as terminal, listening() as site:
        page = dana.visit(laptop.address())
        port = int(page.get_by_text("127.0.0.1:").inner_text().rpartition(":")[2])
        evil = dana.context.new_page()
        evil.goto(f"http://127.0.0.1:{site.port}/")
        answered = evil.evaluate(
            """async ([port, code]) => {
              const paths = ["/", "/cb", ...Array.from({ length: 30 }, (_, number) => `/cb/${number}`)];
              const query = `?code=${code}&state=x&iss=x`;
              const all = async (near, options) => {
                const tries = paths.map((path) => fetch(`http://127.0.0.1:${near}${path}${query}`, options));
                return (await Promise.allSettled(tries)).filter((one) => one.status === "fulfilled").length;
              };
              for (const near of [port - 1, port + 1]) await all(near, { mode: "no-cors" });
              const got = await all(port, { mode: "no-cors" });
              return got + (await all(port, { mode: "no-cors", method: "POST" }));
            }""",
            [port, OTHER_CODE],
        )
        evil.close()
        assert answered == 2 * 32 > MAX_REQUESTS
        dana.errors.clear()
        page.bring_to_front()
        authorize(page)
        code, _ = terminal.end()

    assert code == 0, terminal.seen
    assert f"as {DANA} until" in terminal.seen


def test_an_administrator_gets_admin_access_on_request(laptop: Laptop, admin: User) -> None:
    with laptop.types(*DEV) as terminal:
        authorize(admin.visit(laptop.address()))
        assert terminal.end()[0] == 0
    with laptop.types("aws", "--admin") as terminal:
        page = admin.visit(laptop.address(2))
        expect(page.get_by_text("The master role, and your tenants")).to_be_visible()
        authorize(page)
        code, out = terminal.end()

    assert code == 0, terminal.seen
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")


def test_a_user_is_refused_admin_access_with_a_reason(laptop: Laptop, dana: User) -> None:
    with laptop.types("aws", "--admin") as terminal:
        page = dana.visit(laptop.address())
        expect(page.get_by_role("alert").first).to_contain_text("Administrator role")
        expect(page.get_by_role("button", name="Authorize", exact=True)).to_have_count(0)
        page.get_by_role("button", name="Cancel").click()
        assert terminal.end()[0] == 3


def test_a_click_before_the_arming_delay_is_ignored(laptop: Laptop, dana: User) -> None:
    with laptop.types("login") as terminal:
        page = dana.visit(laptop.address())
        page.evaluate(
            """async () => {
              const button = document.querySelector('button[value="authorize"]');
              const begin = performance.now();
              while (button.getAttribute("aria-disabled") !== "false" && performance.now() - begin < 690) {
                button.click();
                await new Promise((go) => setTimeout(go, 10));
              }
            }"""
        )
        expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
        assert laptop.kept() == [".pending"]
        terminal.press_ctrl_c()
        terminal.end()


def test_the_consent_cannot_be_framed(laptop: Laptop, dana: User) -> None:
    with laptop.types("login") as terminal:
        address = laptop.address()
        assert failure_in_a_frame(dana.context, f"{laptop.demo.portal_url}{address}") == BLOCKED
        dana.errors.clear()
        terminal.press_ctrl_c()
        terminal.end()


def test_a_cli_sign_in_is_listed_in_the_profile_and_can_be_revoked(laptop: Laptop, dana: User) -> None:
    with laptop.types("login") as terminal:
        authorize(dana.visit(laptop.address()))
        assert terminal.end()[0] == 0
    page = dana.visit("/profile")
    row = page.locator("#standing-table tr", has_text="CLI").filter(has_text="just now").first
    expect(row).to_contain_text(os.uname().nodename)

    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Revoke").or_(page.get_by_role("button", name="Revoke")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.wait_for_load_state()

    with laptop.types("tenants", BROWSER="/bin/false %s") as terminal:
        terminal.until("This sign-in has ended")
        terminal.until("paste it here")
        terminal.press_ctrl_c()
        assert terminal.end()[0] == 130


def test_logout_revokes_the_sign_in_at_the_portal(laptop: Laptop, dana: User) -> None:
    with laptop.types("login") as terminal:
        authorize(dana.visit(laptop.address()))
        assert terminal.end()[0] == 0
    (kept,) = (laptop.home / ".local" / "state" / "daypass").glob("*.sign-in")
    access = json.loads(CacheFile.from_bytes(kept.read_bytes()).body)["access"]
    assert laptop.demo.visitor(access).session(tenant="dev01").status == 201

    with laptop.types("logout") as terminal:
        assert terminal.end()[0] == 0

    assert laptop.demo.visitor(access).session(tenant="dev01").status == 401
    assert laptop.kept() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_consent_fits_on_a_phone(laptop: Laptop, chromium: Chromium, scheme: str) -> None:
    with (
        new_user(chromium, laptop.demo, PHONE, scheme=scheme) as user,
        laptop.types("login") as terminal,
    ):
        user.sign_in(ADMIN, laptop.address())
        user.assert_no_sideways_scrolling()
        user.assert_no_errors()
        terminal.press_ctrl_c()
        terminal.end()
