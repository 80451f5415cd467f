"""A real PgBouncer in transaction mode in front of the tests' PostgreSQL server."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.database_fixture import PostgresServer

PROGRAM = Path("/usr/sbin/pgbouncer")

ZONE = "Asia/Kathmandu"
"""The time zone of its server sessions: far from UTC, so that a query which relies on the session differs."""

_SETTINGS = """
[databases]
* = host={server} user=daypass timezone={zone}

[pgbouncer]
listen_addr = {address}
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = {ignored}
default_pool_size = {connections}
max_client_conn = 500
server_round_robin = 1
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
log_stats = 0
"""


class PgBouncer:
    """A PgBouncer of our own, on a socket in a temporary folder; it knows every database of the server."""

    def __init__(
        self,
        server: PostgresServer,
        *,
        ignored: str = "options",
        mode: str = "transaction",
        connections: int = 20,
        tcp_port: int | None = None,
    ) -> None:
        if not PROGRAM.exists():
            pytest.fail(
                "These tests need PgBouncer: sudo apt-get install --no-install-recommends -y pgbouncer",
                pytrace=False,
            )
        self.folder = Path(tempfile.mkdtemp(prefix="daypass-pgb-"))
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                server=server.folder,
                folder=self.folder,
                zone=ZONE,
                mode=mode,
                ignored=ignored,
                connections=connections,
                address="" if tcp_port is None else "127.0.0.1",
                port=tcp_port or 5432,
            )
        )
        # It refuses to run as root, as the server does.
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
            shutil.chown(settings, "nobody", "nogroup")
        self._process = subprocess.Popen(
            [*(drop if os.getuid() == 0 else []), str(PROGRAM), str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        said = []
        stderr = self._process.stderr
        assert stderr is not None
        for line in stderr:
            said.append(line)
            if "process up" in line:
                # It blocks once nobody reads what it logs.
                self._reader = threading.Thread(target=stderr.read)
                self._reader.start()
                return
        pytest.fail(f"PgBouncer did not start: {''.join(said)}", pytrace=False)

    def url(self, name: str) -> str:
        """The URL of one of the server's databases, through the pooler."""
        return f"postgresql:///{name}?host={self.folder}&user=daypass"

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        # SIGTERM is its immediate shutdown.
        self._process.terminate()
        self._process.wait(30)
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def pgbouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """One pooler for all tests of a worker, which drops the startup options of its clients."""
    pooler = PgBouncer(postgres)
    yield pooler
    pooler.remove()


@pytest.fixture
def pgbouncer_url(postgres: PostgresServer, pgbouncer: PgBouncer) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database behind a pooler."""
    name = postgres.lend()
    yield pgbouncer.url(name)
    postgres.take_back(name)


@pytest.fixture(params=["sqlite", "postgres", "pgbouncer"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database, for folders that run on PostgreSQL behind a pooler as well."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url
