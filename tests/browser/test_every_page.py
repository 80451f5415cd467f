"""What holds for every page there is: it can be used by everybody, on any screen, and keeps its own rules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, Response

from tests.browser.framing import BLOCKED, failure_in_a_frame
from tests.browser_fixture import (
    ADMINISTRATOR_PAGES,
    DESK,
    PAGES,
    PHONE,
    PUBLIC_PAGES,
    Chromium,
    Person,
    somebody,
)
from tests.demo_fixture import Demo

DANA, ADMIN = "dana@example.com", "admin@example.com"
FIRST_VIEW = 60_000
"""Bytes that a first visit may cost, all in all."""

SERIOUS = {"serious", "critical"}

both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"])
everybody = pytest.mark.parametrize(
    ("username", "addresses"),
    [("", PUBLIC_PAGES), (DANA, PAGES), (ADMIN, (*ADMINISTRATOR_PAGES, *PAGES))],
    ids=["a stranger", "a user", "an administrator"],
)


@contextmanager
def one_who_is(chromium: Chromium, demo: Demo, username: str, scheme: str) -> Iterator[Person]:
    with somebody(chromium, demo, scheme=scheme) as person:
        if username:
            person.be(username)
        yield person


def find_no_barrier(page: Page, where: str, scheme: str) -> None:
    """Fail where somebody could not use a page: serious findings of axe-core."""
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        # The same page in other colours: all else was looked at in the light.
        options["runOnly"] = ["color-contrast"]
    found = Axe().run(page, options=options).response["violations"]
    serious = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS
    ]
    assert serious == []


@both_schemes
@everybody
def test_every_page_can_be_used_by_everybody_on_any_screen(
    chromium: Chromium, demo: Demo, scheme: str, username: str, addresses: Sequence[str]
) -> None:
    screens = (PHONE, DESK) if scheme == "light" else (DESK,)
    with one_who_is(chromium, demo, username, scheme) as person:
        for address in addresses:
            for width, height in screens:
                person.page.set_viewport_size({"width": width, "height": height})
                if (width, height) == screens[0]:
                    person.visit(address)
                person.find_no_sideways_scrolling()
            assert person.page.title().endswith("· Daypass"), address
            find_no_barrier(person.page, address, scheme)
            person.find_nothing_wrong()
        assert len(person.hosts) == 1


@both_schemes
def test_panes_and_menus_can_be_used_by_everybody(chromium: Chromium, demo: Demo, scheme: str) -> None:
    with one_who_is(chromium, demo, ADMIN, scheme) as person:
        page = person.visit("/profile")
        more = page.get_by_role("button", name="More ways into AWS")
        more.click()
        find_no_barrier(page, "the menu", scheme)
        page.get_by_role("menuitem", name="Temporary AWS Credentials").click()
        page.locator("#keys [data-given]").wait_for()
        find_no_barrier(page, "the credentials", scheme)
        page.keyboard.press("Escape")
        more.click()
        page.get_by_role("menuitem", name="AWS Access from my Workstation").click()
        find_no_barrier(page, "the workstation", scheme)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Add").click()
        find_no_barrier(page, "the form", scheme)
        person.find_nothing_wrong()


@pytest.mark.parametrize(("who", "address"), [(DANA, "/sign-in"), (DANA, "/profile"), (ADMIN, "/profile")])
def test_a_first_view_is_small_and_asks_no_other_host(
    chromium: Chromium, demo: Demo, who: str, address: str
) -> None:
    with somebody(chromium, demo) as person:
        if address != "/sign-in":
            person.be(who, "/no-such-page")
        finished: list[Response] = []
        person.context.new_cdp_session(person.page).send("Network.clearBrowserCache")
        person.page.on("response", lambda response: finished.append(response))
        person.visit(address)
        person.page.wait_for_load_state("networkidle")
        sizes = [weight(response) for response in finished]

        assert len(sizes) > 3
        assert sum(sizes) < FIRST_VIEW
        assert person.hosts == {demo.portal_url.removeprefix("https://")}


def weight(response: Response) -> int:
    """All bytes of an answer, as they were sent."""
    sent = response.request.sizes()
    return sent["responseBodySize"] + sent["responseHeadersSize"]


def test_no_page_can_be_framed(dana: Person) -> None:
    assert failure_in_a_frame(dana.context, f"{dana.demo.portal_url}/sign-in") == BLOCKED
