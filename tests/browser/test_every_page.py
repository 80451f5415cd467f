"""Checks of every page: accessibility, screen sizes, page weight, and the security policy."""

import re
from collections.abc import Sequence
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # a text
from playwright.sync_api import Page, Response, expect

from daypass.portal.http.core.authentication import Permission
from tests.browser.framing import BLOCKED, failure_in_a_frame
from tests.fixtures.browser import DESK, PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo
from tests.page_addresses import addresses

DANA, ADMIN = "dana@example.com", "admin@example.com"
FIRST_VIEW = 60_000
"""The size limit of a first visit in bytes."""

SERIOUS = {"serious", "critical"}
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")

each_role = pytest.mark.parametrize(
    ("username", "permissions"),
    [
        ("", [Permission.PUBLIC]),
        (DANA, [Permission.USER]),
        (ADMIN, [Permission.ADMINISTRATOR, Permission.USER]),
    ],
    ids=["signed out", "user", "administrator"],
)


LOOK_IN_THE_LIGHT = "() => axe.run({ resultTypes: ['violations'] }).then((found) => found.violations)"

LOOK_IN_THE_DARK = """() => {
  const seen = new Set(), alike = [];
  const names = /^(id|for|href|title|value|aria-(label|labelledby|describedby|controls))$/;
  const shape = (node) => {
    const told = [...node.attributes].filter((one) => !names.test(one.name));
    const own = told.map((one) => `${one.name}=${one.value}`);
    return [node.tagName, ...own, ...[...node.children].map(shape), '/'].join(' ');
  };
  const look = (node, within) => {
    const one = within + shape(node);
    if (seen.has(one)) return alike.push(node);
    seen.add(one);
    return [...node.children].forEach((child) => look(child, `${within}${node.tagName}.${node.className} `));
  };
  look(document.body, '');
  const options = { resultTypes: ['violations'], runOnly: ['color-contrast'] };
  return axe.run({ include: document, exclude: alike }, options).then((found) => found.violations);
}"""
"""Checks only the color contrast, for the dark scheme; everything else was checked in the light one. Of
identical elements only one is checked, because contrast takes most of axe-core's time."""


def serious_findings(page: Page, scheme: str) -> Sequence[str]:
    """Return the serious findings of axe-core; in the dark scheme, those about color contrast only."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(LOOK_IN_THE_LIGHT if scheme == "light" else LOOK_IN_THE_DARK)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


def find_no_barrier(page: Page, where: str) -> None:
    """Fail if a page has serious accessibility findings in the light or the dark scheme."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert serious_findings(page, scheme) == [], f"{where}, {scheme}"


@each_role
def test_every_page_is_accessible_on_any_screen(
    chromium: Chromium, demo: Demo, username: str, permissions: Sequence[Permission]
) -> None:
    with new_user(chromium, demo, PHONE) as user:
        if username:
            user.open_signed_in(username)
        for address in addresses(*permissions):
            for width, height in (PHONE, DESK):
                user.page.set_viewport_size({"width": width, "height": height})
                if (width, height) == PHONE:
                    user.visit(address)
                user.assert_no_sideways_scrolling()
                user.assert_nothing_cut_off()
            assert user.page.title().endswith("· Daypass"), address
            find_no_barrier(user.page, address)
            user.assert_no_errors()
        assert len(user.hosts) == 1


def test_panes_and_menus_are_accessible(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo) as user:
        page = user.open_signed_in(ADMIN)
        more = page.get_by_role("button", name="More ways into AWS")
        more.click()
        find_no_barrier(page, "the menu")
        page.get_by_role("menuitem", name="Temporary AWS Credentials").click()
        page.locator("#keys [data-given]").wait_for()
        find_no_barrier(page, "the credentials")
        page.keyboard.press("Escape")
        more.click()
        page.get_by_role("menuitem", name="AWS Access from my Workstation").click()
        find_no_barrier(page, "the workstation")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Add").click()
        find_no_barrier(page, "the form")
        user.assert_no_errors()


def test_a_refused_form_has_focus_on_the_field_with_the_error(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo) as user:
        page = user.open_signed_in(ADMIN, "/administrator/tenants/dev01/settings")
        page.get_by_role("button", name="Add", exact=True).click()
        pane = page.get_by_role("dialog", name="Add Tenant Feature")
        pane.get_by_label("Select Feature").select_option(label="AWS Access Token Validity")
        pane.get_by_label("Value", exact=True).locator("visible=true").fill("1")
        pane.get_by_role("button", name="Update").click()
        wrong = page.locator("[aria-invalid]")
        expect(wrong).to_be_focused()
        expect(wrong).to_have_accessible_description(re.compile("from 900 to 43200"))
        find_no_barrier(page, "the refused form")


@pytest.mark.parametrize(("who", "address"), [(DANA, "/sign-in"), (DANA, "/profile"), (ADMIN, "/profile")])
def test_a_first_visit_is_small_and_contacts_no_other_host(
    chromium: Chromium, demo: Demo, who: str, address: str
) -> None:
    with new_user(chromium, demo) as user:
        if address != "/sign-in":
            user.open_signed_in(who, "/no-such-page")
        finished: list[Response] = []
        user.context.new_cdp_session(user.page).send("Network.clearBrowserCache")
        user.page.on("response", lambda response: finished.append(response))
        user.visit(address)
        user.page.wait_for_load_state("networkidle")
        sizes = [weight(response) for response in finished]

        assert len(sizes) > 3
        assert sum(sizes) < FIRST_VIEW
        assert user.hosts == {demo.portal_url.removeprefix("https://")}


def weight(response: Response) -> int:
    """Return the size of a response in bytes, as transferred."""
    sent = response.request.sizes()
    return sent["responseBodySize"] + sent["responseHeadersSize"]


def test_no_page_can_be_framed(dana: User) -> None:
    assert failure_in_a_frame(dana.context, f"{dana.demo.portal_url}/sign-in") == BLOCKED
