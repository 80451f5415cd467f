"""A laptop with a terminal, on which somebody signs in to the command line by a browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.cli.conftest import SCRIPT
from tests.cli.sign_in import Shell, Tabs, shell
from tests.demo_fixture import Demo, bare_environment


@dataclass(frozen=True)
class Laptop:
    """A home of one's own, with a browser that notes what it is to open."""

    demo: Demo
    home: Path

    @property
    def tabs(self) -> Tabs:
        """What the browser was to open."""
        return Tabs(self.home)

    def environment(self, **more: str) -> Mapping[str, str]:
        """What its terminals have set."""
        ours = {
            "DAYPASS_HOST": self.demo.portal_url,
            "DAYPASS_CA_FILE": self.demo.ca_file,
            "BROWSER": self.tabs.command,
        }
        return bare_environment(self.home, **{**ours, **more})

    @contextmanager
    def types(self, *words: str, **more: str) -> Iterator[Shell]:
        """A command at a terminal of this laptop."""
        with shell([SCRIPT, *words], self.environment(**more)) as sitting:
            yield sitting

    def address(self, number: int = 1) -> str:
        """Where the browser was to go, without the portal's origin."""
        return self.tabs.await_one(number).removeprefix(self.demo.portal_url)

    def kept(self) -> list[str]:
        """What it keeps of sign-ins."""
        state = self.home / ".local" / "state" / "daypass"
        return sorted(path.suffix for path in state.glob("*") if path.suffix != ".lock")


def authorize(page: Page) -> None:
    """Press Authorize as soon as it counts, and see the end of it."""
    button = page.get_by_role("button", name="Authorize", exact=True)
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Return to your terminal")
