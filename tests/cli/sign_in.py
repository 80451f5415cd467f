"""Fakes for sign-ins: a portal with OAuth endpoints, a browser that records URLs, and a terminal."""

import http.client
import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore
from urllib.parse import urlencode, urlsplit

from daypass.cli.auth.session_store import SessionSlot, StoredSession
from tests.cli.stub import ReceivedRequest, Reply, StubPortal, problem

PATIENCE = 60.0
CODE = "daypass_code_" + "c" * 38
OTHER_CODE = "daypass_code_" + "x" * 38


@dataclass(slots=True)
class SignInPortal:
    """A portal that accepts `CODE` as authorization code and issues numbered tokens."""

    stub: StubPortal
    pushed: list[Mapping[str, str]] = field(default_factory=list)
    redeemed: list[Mapping[str, str]] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    issued_to: list[str] = field(default_factory=list)
    access_life: int = 3600
    life: int = 43200
    issuer: str = ""
    revoked_tokens: set[str] = field(default_factory=set)
    """Access tokens that are revoked."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Error codes by access token: requests with the token get this refusal."""
    ended: bool = False
    """Whether the session has ended, so that refresh tokens are rejected."""
    _has_pushed: Semaphore = field(default_factory=lambda: Semaphore(0))

    def __post_init__(self) -> None:
        self.stub.reply = self._reply

    def await_push(self) -> Mapping[str, str]:
        """Wait for the next pushed authorization request and return it."""
        assert self._has_pushed.acquire(timeout=PATIENCE)
        return self.pushed[-1]

    def _reply(self, asked: ReceivedRequest) -> Reply:
        match asked.path:
            case "/oauth/par":
                self.pushed.append(asked.body)
                self._has_pushed.release()
                number = len(self.pushed)
                return _json(
                    201,
                    request_uri=f"urn:ietf:params:oauth:request_uri:{number}",
                    expires_in=300,
                    match_code="BCDF-GHJK",
                    issuer=self.issuer or self.stub.url,
                )
            case "/oauth/token" if asked.body["grant_type"] == "authorization_code":
                self.redeemed.append(asked.body)
                return (
                    self._tokens() if asked.body["code"] == CODE else _refused("This code is not known here.")
                )
            case "/oauth/token":
                self.refreshed.append(asked.body["refresh_token"])
                return _refused("This sign-in has ended.") if self.ended else self._tokens()
            case "/oauth/revoke":
                self.revoked.append(asked.body["token"])
                return Reply(200, b"")
        token = asked.headers["Authorization"].removeprefix("Bearer ")
        if token in self.revoked_tokens:
            content = {"Content-Type": "application/problem+json"}
            return Reply(401, json.dumps({"detail": "This API token was revoked."}).encode(), content)
        if code := self.refusals.get(token):
            return problem(403, code, "This change needs a recent sign-in.")(asked)
        if asked.path == "/api/v1/tenants":
            return self.stub.usual(asked)
        self.issued_to.append(token)
        return self.stub.issued(asked)

    def _tokens(self) -> Reply:
        number = len(self.redeemed) + len(self.refreshed)
        return _json(
            200,
            access_token=f"access_canary_{number}",
            token_type="Bearer",
            expires_in=self.access_life,
            refresh_token=f"refresh_canary_{number}",
            refresh_expires_in=self.life,
            scope=self.pushed[-1]["scope"],
            username="dana@example.com",
            sign_in_id=f"{len(self.redeemed):032}",
        )

    def answer(self, pushed: Mapping[str, str], **changed: str) -> int:
        """Send the authorization response that the browser sends after consent; return the HTTP status."""
        fields = {"code": CODE, "state": pushed["state"], "iss": self.stub.url} | changed
        return visit(pushed["redirect_uri"], {name: value for name, value in fields.items() if value})


def leave_sign_in(
    environment: Mapping[str, str], origin: str, *, token_left: float = 3600, left: float = 11 * 3600
) -> float:
    """Store a session as if the user had signed in an hour ago; return when it expires."""
    now = time.time()  # noqa: TID251  commands read the real clock
    session = StoredSession(
        id="0" * 32,
        username="dana@example.com",
        allows_admin=False,
        access="access_canary",
        access_until=now + token_left,
        refresh="refresh_canary",
        since=now - 3600,
        until=now + left,
    )
    with SessionSlot(environment, origin, admin=False, now=lambda: now).locked() as slot:
        slot.write(session)
    return session.until


def visit(address: str, query: Mapping[str, str], method: str = "GET", **headers: str) -> int:
    """Send a request to a callback server; return the status, or 0 if there was no response."""
    to = urlsplit(address)
    assert to.hostname is not None
    connection = http.client.HTTPConnection(to.hostname, to.port, timeout=PATIENCE)
    try:
        connection.request(method, f"{to.path}?{urlencode(query)}", headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class FakeBrowser:
    """A browser that opens nothing and records each URL."""

    folder: Path

    @property
    def command(self) -> str:
        """The value for BROWSER."""
        script = self.folder / "browser"
        if not script.exists():
            # Short appends are atomic, even if several browsers start at once.
            script.write_text('#!/bin/sh\nprintf "%s\\n" "$1" >> "$(dirname "$0")/opened"\n')
            script.chmod(0o700)
        return f"{script} %s"

    @property
    def opened(self) -> Sequence[str]:
        """The URLs opened so far."""
        log = self.folder / "opened"
        return log.read_text().splitlines() if log.exists() else []

    def await_one(self, number: int = 1) -> str:
        """Wait until *number* URLs have been opened and return the last of these."""
        deadline = time.monotonic() + PATIENCE
        while len(self.opened) < number:
            assert time.monotonic() < deadline, "no browser was opened"
            select.select([], [], [], 0.02)
        return self.opened[number - 1]


class Shell:
    """A command that runs at an interactive terminal."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], *, captures_stderr: bool = False
    ) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = ""
        # The AWS CLI captures stderr, so that only the controlling terminal is left for prompts.
        self._process = subprocess.Popen(
            words if not captures_stderr else ["setsid", "--ctty", "--wait", *words],
            env=dict(environment),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if captures_stderr else theirs,
            start_new_session=not captures_stderr,
        )
        os.close(theirs)

    def until(self, pattern: str) -> str:
        """Wait until the terminal shows *pattern* and return the match."""
        deadline = time.monotonic() + PATIENCE
        while (match := re.search(pattern, self.seen)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} did not appear in:\n{self.seen}"
            if select.select([self._ours], [], [], left)[0]:
                self._read()
        return match[0]

    def type(self, line: str) -> None:
        """Type a line of input."""
        os.write(self._ours, f"{line}\n".encode())

    def press_ctrl_c(self) -> None:
        """Interrupt the command."""
        self._process.send_signal(2)

    def leave(self) -> None:
        """Kill the command if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self.end()

    def end(self) -> tuple[int, str]:
        """Wait for the command's end and return its exit code and stdout."""
        out, err = self._process.communicate(timeout=PATIENCE)
        while select.select([self._ours], [], [], 0)[0] and self._read():
            pass
        os.close(self._ours)
        self.seen += (err or b"").decode()
        return self._process.returncode, out.decode()

    def _read(self) -> bool:
        try:
            said = os.read(self._ours, 65536)
        except OSError:
            return False
        self.seen += said.decode(errors="replace").replace("\r\n", "\n")
        return bool(said)


@contextmanager
def shell(words: Sequence[str], environment: Mapping[str, str]) -> Iterator[Shell]:
    """Run a command at a terminal and kill it at the end if it still runs."""
    terminal = Shell(words, environment)
    try:
        yield terminal
    finally:
        terminal.leave()


def _json(status: int, **fields: object) -> Reply:
    return Reply(status, json.dumps(fields).encode(), {"Content-Type": "application/json"})


def _refused(sentence: str) -> Reply:
    return _json(400, error="invalid_grant", error_description=sentence)
