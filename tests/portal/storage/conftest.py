"""Runs the tests of this folder also on PostgreSQL behind PgBouncer, and makes empty databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.portal.storage.engine import Database
from tests.fixtures.database import PostgresServer
from tests.fixtures.pgbouncer import database_url

__all__ = ["database_url"]


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/old.db", connections=1)
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE without_schema")
    database = Database(server.url("without_schema"), connections=1)
    yield database
    database.close()
    server.execute("DROP DATABASE without_schema")
