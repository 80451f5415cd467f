"""A newer version made from this source tree, and clients that ask whichever replicas are in service."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import urlencode

import daypass
from tests.portal.storage.migrations import scripts
from tests.waiting import wait_until

NEWER = "99.0.0"
"""The version number of the copy."""

SLOW = 3540
"""The duration in seconds that is asked for a session for which AWS answers late."""

_PATIENCE = 60.0
_PAUSE = 0.02
"""Seconds between two requests of a client, so that the replicas get most of the processor."""

_SCHEMA = """

from sqlalchemy import Column, ForeignKey, String, Table

from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.identity import api_tokens

api_tokens.append_column(Column("label", String(16)))
issuances.append_column(Column("colour", String(16), nullable=False, server_default="blue"))
Table("novelties", metadata, Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
"""

_MIGRATION = '''"""An additive migration."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
oldest_compatible = "{oldest}"


def upgrade() -> None:
    """Add a table, a nullable column and a column with a server default."""
    op.add_column("api_tokens", sa.Column("label", sa.String(16)))
    op.add_column("issuances", sa.Column("colour", sa.String(16), nullable=False, server_default="blue"))
    user = sa.ForeignKey("users.id", ondelete="CASCADE")
    op.create_table("novelties", sa.Column("user_id", sa.String(32), user, primary_key=True))
'''


def make_newer(folder: Path) -> Path:
    """Copy this version into *folder* with one more migration; return the value for PYTHONPATH."""
    source, copy = Path(daypass.__file__).parent, folder / "daypass"
    # With their times, so that the compiled modules are valid in the copy.
    shutil.copytree(source, copy)
    _rewrite(copy / "__init__.py", lambda text: text.replace(daypass.__version__, NEWER))
    # The metadata of an installed package, which precede those of this version on the path.
    metadata = folder / f"daypass-{NEWER}.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: daypass\nVersion: {NEWER}\n")
    _rewrite(copy / "portal/storage/schema/__init__.py", lambda text: text + _SCHEMA)
    head = scripts().get_revision("head")
    assert head is not None
    migration = _MIGRATION.format(head=head.revision, oldest=head.module.oldest_compatible)
    (copy / "portal/storage/migrations/versions/m9999_additive.py").write_text(migration)
    return folder


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


class Rotation:
    """The replicas in service, as a load balancer knows them."""

    def __init__(self) -> None:
        self._ports: list[int] = []
        self._requests: Counter[int] = Counter()
        self._changed = Condition()

    @property
    def ports(self) -> Sequence[int]:
        """The ports of the replicas in service."""
        return tuple(self._ports)

    def add(self, port: int) -> None:
        """Put a replica into service."""
        with self._changed:
            self._ports.append(port)
            self._changed.notify_all()

    def remove(self, port: int) -> None:
        """Take a replica out of service; return once its requests are answered."""
        with self._changed:
            self._ports.remove(port)
            assert self._changed.wait_for(lambda: not self._requests[port], _PATIENCE)

    @contextmanager
    def one(self) -> Iterator[int]:
        """Return a context manager with the port for one request, each replica's in turn."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self._ports), _PATIENCE)
            port = self._ports[0]
            self._ports = [*self._ports[1:], port]
            self._requests[port] += 1
        try:
            yield port
        finally:
            with self._changed:
                self._requests[port] -= 1
                self._changed.notify_all()


@dataclass(slots=True)
class Clients:
    """Clients that read lists, get sessions and sign in until they are stopped; none repeats a request."""

    rotation: Rotation
    token: str
    username: str
    password: str
    issued: list[str] = field(default_factory=list)
    """The ids of the issuances whose keys a client got."""
    versions: set[str] = field(default_factory=set)
    """The versions that answered."""
    errors: list[object] = field(default_factory=list)
    _answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    _stopped: Event = field(default_factory=Event)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Return a context manager in which the clients send requests; any failure is in `errors`."""
        kinds = (self._list, self._issue, self._sign_in)
        threads = [Thread(target=self._repeat, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join(_PATIENCE)

    def await_answers(self) -> None:
        """Wait until each replica in service has answered two more requests of each kind."""
        before = self._answered.copy()
        kinds = (self._list, self._issue, self._sign_in)
        wanted = [(kind.__name__, port) for kind in kinds for port in self.rotation.ports]
        wait_until(
            lambda: bool(self.errors) or all(self._answered[each] >= before[each] + 2 for each in wanted),
            lambda: (self._answered, before),
        )
        assert self.errors == [], self.errors

    def ask_slow(self, port: int) -> None:
        """Get a session with the duration `SLOW`; a failure is in `errors`."""
        self._try(partial(self._issue, duration=SLOW), port)

    def _issue(self, port: int, duration: int = 3600) -> None:
        body = json.dumps({"admin": True, "duration": duration})
        status, content, _ = _ask(port, "POST", "/api/v1/sessions", self._headers, body)
        assert status == 201, (status, content)
        self.issued.append(json.loads(content)["id"])

    def _list(self, port: int) -> None:
        answers = [
            _ask(port, "GET", path, self._headers)
            for path in ("/api/v1/tenants", "/api/v1/sessions", "/api/v1/me")
        ]
        assert [status for status, _, _ in answers] == [200] * 3, answers
        self.versions.add(json.loads(answers[-1][1])["version"])

    def _sign_in(self, port: int) -> None:
        _, page, cookies = _ask(port, "GET", "/sign-in", {})
        (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', page))
        form = {"csrf": csrf, "next": "/", "username": self.username, "password": self.password}
        headers = {
            "Cookie": "; ".join(cookies),
            "Origin": f"http://127.0.0.1:{port}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        status, content, cookies = _ask(port, "POST", "/sign-in", headers, urlencode(form))
        assert status == 303, (status, content)
        status, content, _ = _ask(port, "GET", "/profile", {"Cookie": "; ".join(cookies)})
        assert status == 200, (status, content)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _repeat(self, kind: Callable[[int], None]) -> None:
        while not self._stopped.wait(_PAUSE):
            with self.rotation.one() as port:
                self._try(kind, port)
                self._answered[kind.__name__, port] += 1

    def _try(self, kind: Callable[[int], None], port: int) -> None:
        try:
            kind(port)
        except Exception as error:
            self.errors.append((port, error))


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, str, Sequence[str]]:
    """Send one request on a new connection; return status, content and cookies."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response.status, content, [one.partition(";")[0] for one in _cookies(response)]


def _cookies(response: Any) -> Sequence[str]:  # noqa: ANN401  the headers of http.client are untyped
    found: Sequence[str] = response.headers.get_all("Set-Cookie", [])
    return found
