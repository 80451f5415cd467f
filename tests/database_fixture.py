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

_TURN_OUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
_FILLED = """
SELECT quote_ident(relname) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND relname NOT IN ('alembic_version', 'schema_compatibility')
  AND pg_relation_size(oid) > 0
"""
_SHAPE = (
    "SELECT version_num FROM alembic_version",
    "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
    "WHERE table_schema = 'public' ORDER BY table_name, column_name",
)

_MEMORY = Path("/dev/shm")  # noqa: S108  each test has a folder of its own there


class PostgresServer:
    """A PostgreSQL server of our own, on a socket in a temporary folder."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._spare: list[str] = []
        self.shape: object = None
        """What the schema of a database looks like that is lent."""
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

    def lend(self) -> str:
        """The name of a migrated and empty database that nobody knows of yet."""
        name = f"t{uuid.uuid4().hex}"
        if self._spare:
            self.execute(f"ALTER DATABASE {self._spare.pop()} RENAME TO {name}")
        else:
            self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for another test, which is quicker than a new one; a changed schema goes."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(_TURN_OUT, [name])
        if self.describe(name) != self.shape:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")
            return
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            filled = ", ".join(row[0] for row in connection.execute(_FILLED))
            if filled:
                connection.execute(f"TRUNCATE {filled} CASCADE".encode())
        self._spare.append(name)

    def execute(self, statement: str) -> None:
        """Run one administrative statement."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def describe(self, name: str) -> object:
        """What the schema of a database looks like."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            return [connection.execute(query).fetchall() for query in _SHAPE]

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
    server.shape = server.describe(_TEMPLATE)
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
def sqlite_url(sqlite_template: Path) -> Iterator[str]:
    """The URL of a migrated SQLite database; in memory if possible, so that no test waits for a disk."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="daypass-", dir=place, ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "daypass.db"
        shutil.copy(sqlite_template, path)
        yield f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database."""
    name = postgres.lend()
    yield postgres.url(name)
    postgres.take_back(name)


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
