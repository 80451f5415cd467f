"""Journeys run against the session's demo, each from a home of its own."""

from pathlib import Path

import pytest

from tests.fixtures.demo import Demo, demo, fragile_demo, troubled
from tests.journeys.terminal import Terminal

__all__ = ["demo", "fragile_demo", "troubled"]


@pytest.fixture
def terminal(demo: Demo, tmp_path: Path) -> Terminal:
    """A terminal with an empty home."""
    return Terminal(demo, tmp_path)
