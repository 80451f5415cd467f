"""A laptop with a terminal, on which a user signs in to the CLI through a browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.cli.conftest import SCRIPT
from tests.cli.sign_in import FakeBrowser, Shell, shell
from tests.fixtures.demo import Demo, bare_environment


@dataclass(frozen=True)
class Laptop:
    """A home directory of its own, with a fake browser that records the URLs to open."""

    demo: Demo
    home: Path

    @property
    def tabs(self) -> FakeBrowser:
        """The URLs that the browser was told to open."""
        return FakeBrowser(self.home)

    def environment(self, **more: str) -> Mapping[str, str]:
        """Return the environment of its terminals."""
        ours = {
            "DAYPASS_HOST": self.demo.portal_url,
            "DAYPASS_CA_FILE": self.demo.ca_file,
            "BROWSER": self.tabs.command,
        }
        return bare_environment(self.home, **{**ours, **more})

    @contextmanager
    def types(self, *words: str, **more: str) -> Iterator[Shell]:
        """Run a command in a terminal of this laptop."""
        with shell([SCRIPT, *words], self.environment(**more)) as terminal:
            yield terminal

    def address(self, number: int = 1) -> str:
        """Return the URL that the browser was told to open, without the portal's origin."""
        return self.tabs.await_one(number).removeprefix(self.demo.portal_url)

    def kept(self) -> list[str]:
        """Return the stored sign-ins."""
        state = self.home / ".local" / "state" / "daypass"
        return sorted(path.suffix for path in state.glob("*") if path.suffix != ".lock")


def authorize(page: Page) -> None:
    """Click **Authorize** as soon as it is armed, and wait for the result."""
    button = page.get_by_role("button", name="Authorize", exact=True)
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Return to your terminal")
