"""The matrix runs against the session's demo."""

import pytest

from tests.demo_fixture import Demo, demo
from tests.matrix.portal import Portal, people_in

__all__ = ["demo"]


@pytest.fixture(scope="session")
def portal(demo: Demo) -> Portal:
    """The demo's portal, with two members for each tenant."""
    return people_in(demo)
