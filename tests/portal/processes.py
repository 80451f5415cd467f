"""`daypass portal` in real processes, with a fake AWS on loopback."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner

from daypass.portal.clock import utc_now
from daypass.portal.commands.group import portal
from tests.portal.aws.stub import Script, StubAws, error, identity, session
from tests.portal.forked import PROCESSES, Forked
from tests.processes import children_of

DAYPASS = str(Path(sys.executable).with_name("daypass"))
PATIENCE = 60.0

Ended = subprocess.CompletedProcess[str]


@dataclass(slots=True)
class Operator:
    """Runs `daypass portal` in a given environment."""

    home: Path
    environment: Mapping[str, str]

    def run(self, *words: str, typed: str | None = "", **more: str) -> Ended:
        """Run a command to its end."""
        return subprocess.run(
            [DAYPASS, "portal", *words],
            env={**self.environment, **more},
            cwd=self.home,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def run_inside(self, *words: str, typed: str = "", **more: str) -> Ended:
        """Run a command to its end in this process, which saves the start."""
        unset = {name: None for name in os.environ if name.startswith(("AWS_", "DAYPASS_"))}
        environment = {**unset, **self.environment, **more}
        ran = CliRunner().invoke(portal, words, input=typed, env=environment, catch_exceptions=False)
        return Ended(words, ran.exit_code, ran.stdout, ran.stderr)

    def run_forked(self, *words: str, typed: str = "", **more: str) -> Ended:
        """Run a command to its end in a forked process."""
        (self.home / "typed").write_text(typed)
        process = Forked(["portal", *words], {**self.environment, **more}, self.home)
        try:
            code = process.wait(PATIENCE)
        finally:
            process.kill()
        return Ended(words, code, (self.home / "out").read_text(), (self.home / "err").read_text())

    def serving(self, *words: str, **more: str) -> AbstractContextManager["Serving"]:
        """Serve, and return when it is ready; it is stopped at the end, unless it has ended."""
        ready, writing = os.pipe()
        with (self.home / "log").open("w") as stderr:
            process = subprocess.Popen(
                [DAYPASS, "portal", "serve", "--ready-fd", str(writing), *words],
                env={**self.environment, **more},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=[writing],
                start_new_session=True,
            )
        os.close(writing)
        return _until_stopped(process, ready, self.home / "log")

    def serving_forked(self, *words: str, **more: str) -> AbstractContextManager["Serving"]:
        """Serve in a forked process; for tests that do not depend on the start."""
        ready, writing = PROCESSES.Pipe(duplex=False)
        process = Forked(["portal", "serve", *words], {**self.environment, **more}, self.home, writing)
        writing.close()
        return _until_stopped(process, os.dup(ready.fileno()), self.home / "err")


@contextmanager
def _until_stopped(process: "subprocess.Popen[bytes] | Forked", ready: int, log: Path) -> Iterator["Serving"]:
    with os.fdopen(ready) as pipe:
        url = pipe.readline().strip()
    try:
        assert url, log.read_text()
        yield Serving(process, url, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


@dataclass(slots=True)
class Serving:
    """A portal that is serving."""

    process: "subprocess.Popen[bytes] | Forked"
    url: str
    log: Path
    trust: ssl.SSLContext | None = field(default=None)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return urlsplit(self.url).port or 0

    @property
    def workers(self) -> Sequence[int]:
        """The ids of the worker processes."""
        return children_of(self.process.pid)

    def ask(self, method: str, path: str, token: str | None = None, body: object = None) -> tuple[int, Any]:
        """Send one request on a new connection; return status and content."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Closed also if a killed process leaves the request without an answer.
        with closing(self.connection()) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if is_json and text else text

    def raw(self, request: bytes) -> bytes:
        """Send bytes, and return all that is received until the connection closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            answer = bytearray()
            # A server that refuses early may close the connection before all of it was sent.
            with suppress(OSError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while piece := connection.recv(65536):
                    answer += piece
            return bytes(answer)

    def lines(self) -> list[dict[str, Any]]:
        """Return the logged events."""
        # The last line may not be complete yet.
        complete = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a stop signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def connection(self) -> HTTPConnection:
        """Return a connection that is not opened yet."""
        if self.trust is None:
            return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=self.trust)


def environment(home: Path, database_url: str, aws: StubAws) -> dict[str, str]:
    """Return the environment variables for a portal with a fake AWS."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        # A configuration file of this machine must not be read.
        "DAYPASS_CONFIG": os.devnull,
        "DAYPASS_DATABASE_URL": database_url,
        "DAYPASS_LISTEN": "127.0.0.1:0",
        "DAYPASS_AWS_REGION": "us-west-2",
        "DAYPASS_AWS_ENDPOINT_URL": aws.url,
        "DAYPASS_THREADS": "4",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12",
        "AWS_SECRET_ACCESS_KEY": "OWN-SECRET-CANARY",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def answer_by_action(_stub: StubAws) -> Script:
    """Script a working AWS: it knows the portal, issues keys for an hour, and does not describe roles."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        # The latest request of the stub may be another one already.
        action = handler.asked.get("Action", "")  # type: ignore[attr-defined]  # a stub's handler
        if action == "GetCallerIdentity":
            identity()(handler)
        elif action == "AssumeRole":
            session(Expiration=f"{utc_now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")(handler)
        else:
            error(403, "AccessDenied")(handler)

    return script
