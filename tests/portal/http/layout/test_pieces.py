"""Every component renders, and escapes its arguments."""

from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from daypass.portal.http.layout import time_format
from daypass.portal.http.layout.rendering import PageRenderer
from tests.fakes import NOON

POLYGLOT = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}"

GALLERY = Path(__file__).with_name("gallery.html").read_text()


@dataclass(frozen=True, slots=True)
class Day:
    """A bar of the chart."""

    label: str
    count: int
    is_today: bool = False


class Elements(HTMLParser):
    """Collects the elements and attributes of a page, as a browser parses it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect one element."""
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_every_component_escapes_its_arguments(pages: PageRenderer) -> None:
    limit = SimpleNamespace(label=POLYGLOT, text=POLYGLOT, share=40.0, is_deciding=True)
    context = {"until": NOON + timedelta(minutes=52), "now": NOON, "layout": SimpleNamespace(csrf=POLYGLOT)}
    bars = {"day": Day(POLYGLOT, 3, is_today=True), "zero": Day("zero", 0)}

    text = pages._environment.from_string(GALLERY).render(x=POLYGLOT, limit=limit, **context, **bars)

    assert "52 min left" in text
    found = Elements()
    found.feed(text)
    assert found.names.isdisjoint({"img", "script"})
    assert not any(name.startswith("on") for name in found.attributes)
    assert "{{7*7}}" in text


@pytest.mark.parametrize(
    ("away", "left", "ago"),
    [
        (timedelta(seconds=-1), "", "just now"),
        (timedelta(seconds=9), "0:09 min left", "just now"),
        (timedelta(minutes=14, seconds=59), "14 min left", "14 min ago"),
        (timedelta(hours=1), "1 h left", "1 h ago"),
        (timedelta(hours=12, minutes=5), "12 h 5 min left", "12 h ago"),
        (timedelta(days=2), "2 days left", "2 days ago"),
    ],
)
def test_times_are_formatted_relative_to_now(away: timedelta, left: str, ago: str) -> None:
    assert time_format.left(NOON + away, NOON) == left
    assert time_format.ago(NOON - away, NOON) == ago
