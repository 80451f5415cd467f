"""Portals for tests: a new one on each kind of database, a new one on SQLite, or one that is shared."""

import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from tests.portal.http.client import Client
from tests.portal.http.world import World
from tests.portal.http.world import world as make_world


@pytest.fixture(scope="session", autouse=True)
def logged(log: StringIO) -> StringIO:
    """The log output, which no test prints."""
    return log


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A new portal, on each kind of database."""
    with make_world(database_url) as new_world:
        yield new_world


@pytest.fixture
def client(world: World) -> Client:
    """A client of the portal."""
    return world.client()


@pytest.fixture
def quick_world(sqlite_url: str) -> Iterator[World]:
    """A new portal on SQLite, for tests that do not depend on the database."""
    with make_world(sqlite_url) as new_world:
        yield new_world


@pytest.fixture
def quick_client(quick_world: World) -> Client:
    """A client of the portal."""
    return quick_world.client()


@pytest.fixture(scope="session")
def still_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shared portal for tests that do not change it."""
    path = tmp_path_factory.mktemp("still") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with make_world(f"sqlite:///{path}") as new_world:
        yield new_world


@pytest.fixture
def still_client(still_world: World) -> Client:
    """A client of the portal."""
    return still_world.client()
