"""A migrated database for each test: the embedded SQLite, and a real PostgreSQL server."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate

_TEMPLATE = "daypass_template"

_HASTY = ("fsync=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0")
"""For a server that outlives no crash: it makes a database for each of hundreds of tests."""


class PostgresServer:
    """A PostgreSQL server of our own, on a socket in a temporary folder."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="daypass-pg-"))
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "daypass", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self, *options: str) -> None:
        """Serve, with these options of the server besides; waits until it answers."""
        common = ("listen_addresses=", "max_connections=200")
        given = " ".join(("-k", str(self.folder), *(f"-c {option}" for option in (*common, *options))))
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-o", given, "-l", log, "-w", "start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql:///{name}?host={self.folder}&user=daypass"

    def execute(self, statement: str) -> None:
        """Run one administrative statement."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root, and nobody else has a business in its folder.
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        command = [*(drop if os.getuid() == 0 else []), str(self._binaries / program), *arguments]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode() or done.stdout.decode()


def _binaries() -> Path:
    installed: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not installed:
        pytest.fail(
            "These tests need PostgreSQL: sudo apt-get install --no-install-recommends -y postgresql",
            pytrace=False,
        )
    return installed[-1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a worker, with a migrated database to copy."""
    server = PostgresServer()
    server.start(*_HASTY)
    server.execute(f"CREATE DATABASE {_TEMPLATE}")
    template = Database(server.url(_TEMPLATE), connections=1)
    migrate(template)
    template.close()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    template = Database(f"sqlite:///{path}", connections=1)
    migrate(template)
    template.close()
    return path


@pytest.fixture
def crashing_postgres() -> Iterator[PostgresServer]:
    """A server for one test alone, which may stop and start it; with a migrated database `portal`."""
    server = PostgresServer()
    server.start()
    server.execute("CREATE DATABASE portal")
    portal = Database(server.url("portal"), connections=1)
    migrate(portal)
    portal.close()
    yield server
    server.remove()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database."""
    path = tmp_path / "daypass.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database."""
    name = f"t{uuid.uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database, on each engine in turn."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database, on each engine in turn."""
    opened = Database(database_url)
    yield opened
    opened.close()
