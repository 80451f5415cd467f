"""A portal to knock at: fresh on each kind of database, fresh on the quick one, or one for many questions."""

import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog

from daypass.portal import logs
from tests.portal.http.client import Client
from tests.portal.http.world import World
from tests.portal.http.world import world as make_world


@pytest.fixture(scope="session", autouse=True)
def log() -> Iterator[StringIO]:
    """All that these portals log, as the real one does."""
    stream = StringIO()
    logs.configure(stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A fresh portal, on each kind of database in turn."""
    with make_world(database_url) as made:
        yield made


@pytest.fixture
def client(world: World) -> Client:
    """A client of it."""
    return world.client()


@pytest.fixture
def quick_world(sqlite_url: str) -> Iterator[World]:
    """A fresh portal on SQLite alone: for what no database has a part in."""
    with make_world(sqlite_url) as made:
        yield made


@pytest.fixture
def quick_client(quick_world: World) -> Client:
    """A client of it."""
    return quick_world.client()


@pytest.fixture(scope="session")
def still_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One portal for all tests that change nothing of it."""
    path = tmp_path_factory.mktemp("still") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with make_world(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture
def still_client(still_world: World) -> Client:
    """A client of it."""
    return still_world.client()
