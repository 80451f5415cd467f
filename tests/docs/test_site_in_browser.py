"""The documentation site in a browser: wide and light, narrow and dark."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import DESK, PHONE, Chromium, new_context

_PAGES = (
    "index.html",
    "tutorial/first-day.html",
    "guides/run-the-portal.html",
    "reference/cli.html",
    "reference/api.html",
    "reference/errors.html",
    "decisions/index.html",
)
_SEARCH = ".md-search__button:visible, label[for=__search]:visible"
"""The search field in the bar, and the button that replaces it in a narrow window."""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_COLOURS = {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 26, 32)"}
"""The surface of the portal's pages, in tokens.css."""


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_pages_fit_the_window_and_load_nothing_from_elsewhere(
    chromium: Chromium, site_url: str, size: tuple[int, int], scheme: str
) -> None:
    errors: list[str] = []
    hosts: set[str] = set()
    with new_context(chromium, size, scheme=scheme) as context:
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        for address in _PAGES:
            page.goto(f"{site_url}/{address}")
            assert page.evaluate(_WIDER) <= 0, f"{address} scrolls sideways"
            expect(page.locator("body")).to_have_css("background-color", _COLOURS[scheme])

        page.locator(_SEARCH).first.click()
        page.get_by_role("combobox", name="Search").fill("AdminJitSessionDuration")
        expect(page.get_by_role("dialog").get_by_text("Settings").first).to_be_visible()

    assert errors == []
    assert hosts == {urlsplit(site_url).netloc}
