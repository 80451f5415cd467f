"""One demo for a whole test session: real portal, real sandbox, shared by every worker."""

import fcntl
import json
import os
import signal
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from daypass.demo.aws import Aws, Keys
from daypass.demo.http_client import HttpClient
from daypass.portal.clock import utc_now
from daypass.portal.secret import Secret
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from daypass.sandbox.control_client import ControlClient
from tests.settings import store_setting, unset_setting
from tests.waiting import wait_until

PATIENCE = 90.0
READY = "ready.json"
DAYPASS = str(Path(sys.executable).with_name("daypass"))


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, described by its ready file."""

    folder: Path
    ready: Mapping[str, Any]

    @property
    def portal_url(self) -> str:
        return str(self.ready["portal_url"])

    @property
    def ca_file(self) -> str:
        return str(self.ready["ca_file"])

    @property
    def aws_endpoint_url(self) -> str:
        return str(self.ready["aws_endpoint_url"])

    @property
    def tenants(self) -> dict[str, Any]:
        """The tenants by name."""
        return {tenant["name"]: tenant for tenant in self.ready["tenants"]}

    def token(self, username: str) -> str:
        """Return a user's API token."""
        return next(str(user["api_token"]) for user in self.ready["users"] if user["username"] == username)

    def password(self, username: str) -> str:
        """Return a user's password."""
        return next(str(user["password"]) for user in self.ready["users"] if user["username"] == username)

    def visitor(self, token: str) -> HttpClient:
        """Return an HTTP client of the portal with this token."""
        return HttpClient(self.portal_url, ssl.create_default_context(cafile=self.ca_file), token)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the database of the running portal."""
        database = Database(f"sqlite:///{self.folder / 'daypass.db'}")
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def setting(self, setting: Setting[Any], value: str, tenant_id: str = SYSTEM) -> Iterator[None]:
        """Change a setting of the system or a tenant within the context; no other test may run meanwhile."""
        with self.database() as database:
            with database.writing() as connection:
                store_setting(
                    connection, tenant_id, setting.type, setting.key, value, by="test", now=utc_now()
                )
            try:
                yield
            finally:
                with database.writing() as connection:
                    unset_setting(connection, tenant_id, setting.type, setting.key)

    @property
    def control(self) -> ControlClient:
        """A client of the sandbox's control API."""
        return ControlClient(self.aws_endpoint_url, self._sandbox()["control_token"])

    @property
    def root(self) -> Aws:
        """A client of the sandbox as the account's root."""
        sandbox = self._sandbox()
        secret = Secret(sandbox["root_secret_access_key"])
        return Aws(self.aws_endpoint_url, Keys(sandbox["root_access_key_id"], secret))

    def _sandbox(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "sandbox.json").read_bytes())
        return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Demo]:
    """The session's demo, whose AWS has no faults and whose clock is right."""
    yield from _shared("demo", tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def fragile_demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Demo]:
    """A second demo, for tests that inject faults into its AWS or move its clock."""
    yield from _shared("fragile-demo", tmp_path_factory, worker_id)


@pytest.fixture
def troubled(fragile_demo: Demo) -> Iterator[Demo]:
    """The fragile demo, for one test at a time; its faults are removed afterwards."""
    with (fragile_demo.folder / "test-turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield fragile_demo
        fragile_demo.control.clear_faults()


def _shared(name: str, factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Demo]:
    """Share a demo between all workers: the first one starts it, and the last one stops it."""
    base = factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / name
    folder.mkdir(exist_ok=True)
    with (folder / "users").open("w") as users:
        with _turn(folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not (folder / READY).exists():
                start(folder)
        yield read(folder)
        with _turn(folder):
            # A worker that crashed holds no lock, so the last one is still recognized.
            if _is_last(users):
                stop(folder)


def read(folder: Path) -> Demo:
    """Return the demo that runs in *folder*."""
    return Demo(folder / "state", json.loads((folder / READY).read_bytes()))


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def start(folder: Path, *, has_history: bool = False) -> None:
    """Start a demo in *folder*, with an empty home directory, and return when it is ready.

    Without the sample history, so that tests can count sessions and events.
    """
    ready, home, log = folder / READY, folder / "home", folder / "log"
    home.mkdir(exist_ok=True)
    options = ["--portal-port", "0", "--aws-port", "0", *([] if has_history else ["--no-history"])]
    # Not a Popen: the worker that starts it may be gone before the one that stops it.
    pid = os.posix_spawn(
        DAYPASS,
        [DAYPASS, "demo", "--dir", str(folder / "state"), *options, "--ready-file", str(ready)],
        bare_environment(home),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    (folder / "pid").write_text(str(pid))

    def is_ready() -> bool:
        assert os.waitpid(pid, os.WNOHANG)[0] != pid, log.read_text()
        return ready.exists()

    wait_until(is_ready, log.read_text, PATIENCE)


def stop(folder: Path) -> None:
    """Stop the demo in *folder*, and return when its process has ended."""
    os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
    # The demo holds this lock until it ends; this process may not be its parent and cannot wait for it.
    with (folder / "state" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / READY).unlink()


def bare_environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a new shell: a PATH, an empty home directory, and no AWS variables."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **more}


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
