"""One Chromium for each worker, a fresh profile for each test, and eyes that miss no complaint of a page."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Cookie,
    Page,
    expect,
    sync_playwright,
)

from daypass.portal.http.layout.csrf import FIELD
from tests.demo_fixture import Demo

_CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The same engine twice: without windows it takes a third of the time for a profile and a page."""
DESK = (1280, 800)
PHONE = (390, 844)
PATIENCE = 60_000
"""Milliseconds that a page may take for anything."""

LOCAL_ACCESS = "/app/user/verify-token"

PAGES: Sequence[str] = (
    "/profile",
    "/sessions",
    "/sessions?state=refused&search=x",
    "/confirm?next=/profile",
    "/resources",
    "/go?arn=arn%3Aaws%3As3%3A%3A%3Aduploservices-dev01-reports",
    "/go?arn=arn%3Aaws%3As3%3A%3A%3Aduploservices-dev01-reports&tab=Details",
    f"{LOCAL_ACCESS}?localAppName=somebody%27s-script&localPort=52417&redirect=true",
    f"{LOCAL_ACCESS}/done",
    f"{LOCAL_ACCESS}/cancelled",
)
"""Every page that anybody who has signed in can see, by its address: checks of all pages go over these."""

ADMINISTRATOR_PAGES: Sequence[str] = (
    "/administrator/overview",
    "/administrator/audit",
    "/administrator/audit?action=session.issue&since=2026-01-01",
    "/administrator/tenants",
    "/administrator/tenants?search=nothing-like-it",
    "/administrator/users",
    "/administrator/users?search=nobody-like-it&sort=-last_sign_in",
    "/administrator/import-users",
    "/administrator/system-settings",
    "/administrator/system-settings/roles",
    f"{LOCAL_ACCESS}?localAppName=duplo-jit&localPort=52417&isAdmin=true&redirect=true",
)
"""Every page that Administrators alone can see."""

PUBLIC_PAGES: Sequence[str] = ("/sign-in", "/no-such-page", "/api/docs")
"""Every page that anybody can see."""

_ALLOWED_REFUSALS = ("Failed to load resource: the server responded with a status of 404",)
"""What Chromium says of a page that is there to say no."""

_SIGN_INS: dict[tuple[str, str], Sequence[Cookie]] = {}
"""The sign-ins of this worker's people, by portal and username."""

_OF_SIGN_IN = ("__Host-daypass", "__Host-daypass_device")

_WATCH = """
window.violations = [];
addEventListener('securitypolicyviolation', (event) => {
  const { violatedDirective, blockedURI, sourceFile, lineNumber } = event;
  window.violations.push(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});
"""


@dataclass(slots=True)
class Person:
    """Somebody at a browser of their own, at the demo's portal."""

    demo: Demo
    context: BrowserContext
    page: Page = field(init=False)
    complaints: list[str] = field(default_factory=list)
    """What the console of any page said that is an error, and what threw."""
    hosts: set[str] = field(default_factory=set)
    """Every host that was asked for anything."""

    def visit(self, address: str) -> Page:
        """Go to a page of the portal, and see it whole."""
        self.page.goto(f"{self.demo.portal_url}{address}")
        return self.page

    def sign_in(self, username: str, address: str = "/profile") -> Page:
        """Sign in as a person does, coming from the page that was asked for."""
        page = self.visit(address)
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(self.demo.password(username))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.demo.portal_url}{address}")
        return page

    def enter(self, username: str, address: str = "/profile") -> Page:
        """Sign in anew by the request of the form alone: for tests that do not ask how."""
        portal, sent = self.demo.portal_url, self.context.request
        form: dict[str, str | float | bool] = {
            FIELD: self.csrf("/sign-in"),
            "next": address,
            "username": username,
            "password": self.demo.password(username),
        }
        answer = sent.post(f"{portal}/sign-in", form=form, headers={"Origin": portal}, max_redirects=0)
        assert answer.status == HTTPStatus.SEE_OTHER
        return self.visit(address)

    def csrf(self, address: str) -> str:
        """What a form on that page sends along, without a look at the page."""
        page = self.context.request.get(f"{self.demo.portal_url}{address}").text()
        token = re.search(rf'name="{FIELD}" value="([0-9a-f]+)"', page)
        assert token
        return token[1]

    def be(self, username: str, address: str = "/profile") -> Page:
        """Be signed in already, at that page: for tests that do not ask how, and do not end it."""
        key = (self.demo.portal_url, username)
        if key not in _SIGN_INS:
            self.enter(username)
            _SIGN_INS[key] = [cookie for cookie in self.context.cookies() if cookie["name"] in _OF_SIGN_IN]
        self._add(_SIGN_INS[key])
        return self.visit(address)

    def take_cookies(self, other: "Person") -> None:
        """Have the cookies of somebody else."""
        self._add(other.context.cookies())

    def _add(self, cookies: Sequence[Cookie]) -> None:
        for cookie in cookies:
            self.context.add_cookies(
                [
                    {
                        "name": cookie["name"],
                        "value": cookie["value"],
                        "url": self.demo.portal_url,
                        "secure": True,
                    }
                ]
            )

    def find_nothing_wrong(self, page: Page | None = None) -> None:
        """Fail where a page broke its own policy, threw, or complained."""
        violations = (page or self.page).evaluate("window.violations")
        assert violations == []
        assert self.complaints == []

    def find_no_sideways_scrolling(self, page: Page | None = None) -> None:
        """Fail where a page is wider than its window."""
        root = "document.documentElement"
        wider = (page or self.page).evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        assert wider <= 0, f"{wider} pixels too wide"

    def find_nothing_cut(self, page: Page | None = None) -> None:
        """Fail where a table scrolls sideways, or a name in it is cut."""
        cut = """() => [...document.querySelectorAll('.scroll, table.shares td')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1)
            .map((one) => `${one.getAttribute('aria-label') || one.textContent}`)"""
        assert (page or self.page).evaluate(cut) == []

    def copied(self) -> str:
        """What is on the clipboard."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def _watch(self, page: Page) -> None:
        page.on("console", lambda message: self._listen(message))
        page.on("pageerror", lambda error: self.complaints.append(f"threw: {error}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ALLOWED_REFUSALS):
            self.complaints.append(f"{message.type}: {message.text}")


@dataclass(frozen=True, slots=True)
class Chromium:
    """The worker's browser, and the loop that it needs."""

    browser: Browser
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The worker's browser."""
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Chromium]:
    """A browser, for as long as it is needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next((path for path in _CHROMIUMS if path.exists()), _CHROMIUMS[0]),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        loop = asyncio.get_running_loop()
        with _running(None):
            yield Chromium(browser, loop)
        browser.close()


@contextmanager
def _running(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Let *loop* count as running for a while.

    Playwright's own loop runs for as long as the browser does, in the very thread of the tests. Those that
    use no browser must not find it there: they have loops of their own.
    """
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)


@contextmanager
def somebody(
    chromium: Chromium,
    demo: Demo,
    size: tuple[int, int] = DESK,
    *,
    scheme: str = "light",
    has_script: bool = True,
) -> Iterator[Person]:
    """A person with a fresh browser profile of that size, who prefers light or dark."""
    with _running(chromium.loop):
        context = chromium.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            ignore_https_errors=True,
            java_script_enabled=has_script,
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        context.add_init_script(_WATCH)
        person = Person(demo, context)
        context.on("page", lambda page: person._watch(page))
        person.page = context.new_page()
        try:
            yield person
        finally:
            context.close()


@pytest.fixture
def person(chromium: Chromium, demo: Demo) -> Iterator[Person]:
    """Somebody at a desk."""
    with somebody(chromium, demo) as sitting:
        yield sitting


@pytest.fixture
def dana(person: Person) -> Person:
    """Dana, who has signed in: a full member of dev01, and a reader of prod01."""
    person.enter("dana@example.com")
    return person


@pytest.fixture
def admin(person: Person) -> Person:
    """The Administrator, who has signed in."""
    person.enter("admin@example.com")
    return person
