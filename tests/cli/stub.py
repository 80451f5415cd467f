"""A stub portal on a real socket that gives configurable answers and records the requests."""

import json
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """A response to send as it is."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """A connection that ends after these bytes, by a reset or without one."""

    sent: bytes = b""
    is_reset: bool = False


class StubPortal:
    """A portal that issues numbered credentials unless `reply` is replaced."""

    def __init__(self, tls: ssl.SSLContext | None = None, listener: socket.socket | None = None) -> None:
        """Serve on *listener*, or on a new port."""
        self.requests: list[ReceivedRequest] = []
        self.reply: Callable[[ReceivedRequest], Reply | Lost] = self.usual
        self.role_of_caller = "Administrator"
        self.tenants = ["dev01", "prod01"]
        self.clock_error = timedelta()
        self.life = timedelta(hours=1)
        self.role = "arn:aws:iam::123456789012:role/duploservices-dev01"
        self.note: str | None = None
        self.aws_endpoint_url: str | None = None
        self.access = "full"
        self.permission_set: str | None = None
        """The caller's permission set; None for a portal that does not name sets."""
        self.user_id = "user-1"
        self._arrived = Semaphore(0)
        self.may_answer = Event()
        self.may_answer.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.portal = self
        if listener is not None:
            self._server.socket.close()
            self._server.socket = listener
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.socket.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://localhost:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def now(self) -> datetime:
        """Return the current time of this portal's clock."""
        return datetime.now(UTC) + self.clock_error  # noqa: TID251  a portal has a clock of its own

    def usual(self, request: ReceivedRequest) -> Reply:
        """Return the successful response of a portal."""
        bodies: dict[str, object] = {
            "/api/v1/me": self._me(),
            "/api/v1/tenants": {"tenants": [self._tenant(name) for name in self.tenants]},
            "/api/v1/tenants/dev01/permission-sets": {"permission_sets": _SETS},
            "/api/v1/openapi.json": {"info": {"version": "9.8.7"}},
        }
        if request.path == "/api/v1/sessions":
            return self.issued(request)
        if request.path in bodies:
            return Reply(200, json.dumps(bodies[request.path]).encode(), {"Content-Type": "application/json"})
        return Reply(404, b"", {})

    def _tenant(self, name: str) -> dict[str, str]:
        tenant = {"id": f"id-of-{name}", "name": name, "region": "us-west-2", "access": self.access}
        return tenant if self.permission_set is None else {**tenant, "permission_set": self.permission_set}

    def _me(self) -> dict[str, object]:
        end = (self.now() + timedelta(days=90)).isoformat(timespec="seconds")
        return {
            "user": {"id": self.user_id, "username": "dana@example.com", "role": self.role_of_caller},
            "token": {"id": "token-1", "kind": "temporary", "name": "", "expires_at": end},
            "account_id": "123456789012",
            "region": "us-east-1",
            "version": "9.8.7",
            "aws_endpoint_url": self.aws_endpoint_url,
        }

    def issued(self, request: ReceivedRequest) -> Reply:
        """Return a response with credentials or a console URL, numbered by issuance."""
        number = len(self.requests)
        admin = request.body.get("admin", False)
        answer: dict[str, object] = {
            "id": f"issuance-{number}",
            "scope": "admin" if admin else "tenant",
            "tenant": None
            if admin
            else {"id": f"id-of-{request.body['tenant'].lower()}", "name": request.body["tenant"].lower()},
            "role_arn": self.role,
            "region": "us-west-2",
            "account_id": "123456789012",
            "user": {"id": self.user_id, "username": "dana@example.com"},
            "session_name": "dana@example.com",
            "access": self.access,
            "issued_at": self.now().isoformat(timespec="seconds"),
            "expires_at": (self.now() + self.life).isoformat(timespec="seconds"),
            "validity": int(self.life.total_seconds()),
            "limits": [],
            "capped_by": None,
            "note": self.note,
            "credentials": {
                "access_key_id": f"ASIA{number:016}",
                "secret_access_key": "canary-secret-key",
                "session_token": "canary-session-token",
            },
        }
        requested = request.body.get("permission_set", self.permission_set)
        if requested is not None:
            answer["access"] = "full" if requested == "full" else "read-only"
            answer["permission_set"] = requested
        if request.body.get("purpose") == "console":
            del answer["credentials"]
            answer["console_url"] = f"https://signin.aws.example/federation?canary-console-link-{number}"
        return Reply(201, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def answer(self, request: ReceivedRequest) -> Reply | Lost:
        """Record the request, and answer it as soon as `may_answer` is set."""
        self.requests.append(request)
        reply = self.reply(request)
        self._arrived.release()
        self.may_answer.wait()
        return reply

    def await_requests(self, number: int) -> None:
        """Wait until *number* more requests have arrived."""
        for _ in range(number):
            assert self._arrived.acquire(timeout=60)

    def close(self) -> None:
        """Stop the server."""
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def problem(status: int, code: str, detail: str, **headers: str) -> Callable[[ReceivedRequest], Reply]:
    """Return a function that answers with this problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, "code": code}
    # In lower case, as servers with HTTP/2 support write their headers.
    content_type = {"content-type": "application/problem+json"}
    reply = Reply(status, json.dumps(body | {"request_id": "req-7"}).encode(), content_type | headers)
    return lambda _: reply


_SETS = [
    {"name": "full", "description": "Everything that the role allows.", "rank": 1000},
    {"name": "operator", "description": "Runs no code.", "rank": 500},
    {"name": "read-only", "description": "Reads that change nothing for others.", "rank": 0},
]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    portal: StubPortal

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect or reject the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self._answer(dict(parse_qsl(sent, strict_parsing=True)) if is_form else json.loads(sent))

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815  the names of the base class

    def _answer(self, body: dict[str, Any]) -> None:
        reply = self.server.portal.answer(ReceivedRequest(self.path, dict(self.headers), body))
        if isinstance(reply, Lost):
            self.wfile.write(reply.sent)
            if reply.is_reset:
                # Closing with this option sends RST.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002  the server's own
        """Return the Date header by the portal's clock."""
        return format_datetime(self.server.portal.now(), usegmt=True)

    def log_message(self, *_: object) -> None:
        """Suppress the log."""
