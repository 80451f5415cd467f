"""One Chromium per test worker, a fresh profile per test, and checks of every page's console."""

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
"""The headless shell is the same engine and needs a third of the time for a profile and a page."""
DESK = (1280, 800)
PHONE = (390, 844)
PATIENCE = 60_000
"""The timeout of page operations in milliseconds."""

_ALLOWED_REFUSALS = ("Failed to load resource: the server responded with a status of 404",)
"""The console message of Chromium for a page with an error status."""

_SIGN_INS: dict[tuple[str, str], Sequence[Cookie]] = {}
"""The session cookies of this worker's users, by portal and username."""

_OF_SIGN_IN = ("__Host-daypass", "__Host-daypass_device")

_WATCH = """
window.violations = [];
addEventListener('securitypolicyviolation', (event) => {
  const { violatedDirective, blockedURI, sourceFile, lineNumber } = event;
  window.violations.push(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});
"""


@dataclass(slots=True)
class User:
    """A user with their own browser at the demo's portal."""

    demo: Demo
    context: BrowserContext
    page: Page = field(init=False)
    errors: list[str] = field(default_factory=list)
    """The console errors and uncaught exceptions of all pages."""
    hosts: set[str] = field(default_factory=set)
    """All hosts that were contacted."""

    def visit(self, address: str) -> Page:
        """Load a page of the portal completely."""
        self.page.goto(f"{self.demo.portal_url}{address}")
        return self.page

    def sign_in(self, username: str, address: str = "/profile") -> Page:
        """Sign in as a user does, redirected from the requested page."""
        page = self.visit(address)
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(self.demo.password(username))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.demo.portal_url}{address}")
        return page

    def sign_in_by_request(self, username: str, address: str = "/profile") -> Page:
        """Sign in by a request instead of the form, for tests that are not about sign-in."""
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
        """Return the CSRF token of a form on that page."""
        page = self.context.request.get(f"{self.demo.portal_url}{address}").text()
        token = re.search(rf'name="{FIELD}" value="([0-9a-f]+)"', page)
        assert token
        return token[1]

    def open_signed_in(self, username: str, address: str = "/profile") -> Page:
        """Open a page with a shared session, for tests that neither test sign-in nor end the session."""
        key = (self.demo.portal_url, username)
        if key not in _SIGN_INS:
            self.sign_in_by_request(username)
            _SIGN_INS[key] = [cookie for cookie in self.context.cookies() if cookie["name"] in _OF_SIGN_IN]
        self._add(_SIGN_INS[key])
        return self.visit(address)

    def take_cookies(self, other: "User") -> None:
        """Copy the cookies of another user's browser."""
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

    def assert_no_errors(self, page: Page | None = None) -> None:
        """Fail if a page violated its policy, threw an exception or logged an error."""
        violations = (page or self.page).evaluate("window.violations")
        assert violations == []
        assert self.errors == []

    def assert_no_sideways_scrolling(self, page: Page | None = None) -> None:
        """Fail if a page is wider than its window."""
        root = "document.documentElement"
        wider = (page or self.page).evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        assert wider <= 0, f"{wider} pixels too wide"

    def assert_nothing_cut_off(self, page: Page | None = None) -> None:
        """Fail if a table scrolls sideways or a name in it is cut off."""
        cut = """() => [...document.querySelectorAll('.scroll, table.shares td')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1)
            .map((one) => `${one.getAttribute('aria-label') || one.textContent}`)"""
        assert (page or self.page).evaluate(cut) == []

    def clipboard(self) -> str:
        """Return the text of the clipboard."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def _watch(self, page: Page) -> None:
        page.on("console", lambda message: self._record_message(message))
        page.on("pageerror", lambda error: self.errors.append(f"threw: {error}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _record_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ALLOWED_REFUSALS):
            self.errors.append(f"{message.type}: {message.text}")


@dataclass(frozen=True, slots=True)
class Chromium:
    """The worker's browser and its event loop."""

    browser: Browser
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The worker's browser."""
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Chromium]:
    """Launch a browser, and close it at the end."""
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
    """Mark *loop* as the running event loop within the context.

    Playwright's loop runs in the thread of the tests for as long as the browser does. Tests without a browser
    must not find it there, because they run loops of their own.
    """
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)


@contextmanager
def new_context(
    chromium: Chromium, size: tuple[int, int] = DESK, *, scheme: str = "light", has_script: bool = True
) -> Iterator[BrowserContext]:
    """Open a fresh browser profile with the given window size and color scheme."""
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
        try:
            yield context
        finally:
            context.close()


@contextmanager
def new_user(
    chromium: Chromium,
    demo: Demo,
    size: tuple[int, int] = DESK,
    *,
    scheme: str = "light",
    has_script: bool = True,
) -> Iterator[User]:
    """Open a fresh browser profile at the demo's portal."""
    with new_context(chromium, size, scheme=scheme, has_script=has_script) as context:
        context.add_init_script(_WATCH)
        user = User(demo, context)
        context.on("page", lambda page: user._watch(page))
        user.page = context.new_page()
        yield user


@pytest.fixture
def user(chromium: Chromium, demo: Demo) -> Iterator[User]:
    """A user at a desktop browser."""
    with new_user(chromium, demo) as user:
        yield user


@pytest.fixture
def dana(user: User) -> User:
    """Dana, signed in: a full member of dev01 and a read-only member of prod01."""
    user.sign_in_by_request("dana@example.com")
    return user


@pytest.fixture
def admin(user: User) -> User:
    """The Administrator, signed in."""
    user.sign_in_by_request("admin@example.com")
    return user
