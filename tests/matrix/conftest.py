"""The matrix runs against the session's demo."""

import pytest

from tests.fixtures.demo import Demo, demo, fragile_demo, troubled
from tests.matrix.portal import Portal, portal_with_members

__all__ = ["demo", "fragile_demo", "troubled"]


@pytest.fixture(scope="session")
def portal(demo: Demo) -> Portal:
    """The demo's portal, with two members for each tenant."""
    return portal_with_members(demo)


@pytest.fixture(scope="session")
def fragile_portal(fragile_demo: Demo) -> Portal:
    """The same, in the demo whose clock may be moved."""
    return portal_with_members(fragile_demo)
