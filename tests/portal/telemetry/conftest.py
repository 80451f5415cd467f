"""Metrics that this process records, and portals that record them."""

from collections.abc import Iterator

import pytest

from tests.portal.http.world import World
from tests.portal.http.world import world as make_world
from tests.portal.telemetry.recorded import recorded

__all__ = ["recorded"]


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """A new portal on SQLite."""
    with make_world(sqlite_url) as created:
        yield created
