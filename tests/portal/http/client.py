"""An ASGI client of a portal's application, so that every byte and header of an answer can be compared."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message, Scope

Headers = Sequence[tuple[str, str]]

PEER = "203.0.113.7"


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a request."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header, which must not be repeated, or None."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def json(self) -> Any:  # noqa: ANN401  any JSON value
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def without_id(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer without its request id, to compare answers that must be alike."""
        request_id = self.header("x-request-id") or ""
        headers = sorted(pair for pair in self.headers if pair[0] != "x-request-id")
        return self.status, headers, self.body.replace(request_id.encode(), b"ID")


@dataclass(frozen=True, slots=True)
class Client:
    """A client that sends each request over a new connection."""

    app: ASGIApp
    peer: str = PEER

    def get(self, path: str, token: str | None = None, **more: Any) -> Answer:  # noqa: ANN401  see `send`
        """Send a GET."""
        return self.send("GET", path, token, **more)

    def post(self, path: str, token: str | None = None, asked: object = None, **more: Any) -> Answer:  # noqa: ANN401  see `send`
        """Send a POST with *asked* as JSON."""
        return self.send("POST", path, token, body=json.dumps(asked).encode(), **more)

    def send(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        body: bytes | Sequence[Message] = b"",
        headers: Headers = (),
        query: str = "",
        is_quoted: bool = False,
    ) -> Answer:
        """Send a request; *path* is already decoded, unless it *is_quoted*."""
        exchange = self.exchange(
            method, path, token, body=body, headers=headers, query=query, is_quoted=is_quoted
        )
        return asyncio.run(exchange)

    async def exchange(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        body: bytes | Sequence[Message] = b"",
        headers: Headers = (),
        query: str = "",
        is_quoted: bool = False,
    ) -> Answer:
        """Send a request concurrently with others."""
        all_headers = [*headers, *([("Authorization", f"Bearer {token}")] if token is not None else [])]
        all_headers += _framing(body, headers)
        scope = self._scope(method, path, query, all_headers)
        if is_quoted:
            scope.update(path=unquote(path), raw_path=path.encode())
        messages = _messages(body) if isinstance(body, bytes) else body
        return await _exchange(self.app, scope, messages)

    def _scope(self, method: str, path: str, query: str, headers: Headers) -> Scope:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path, errors="replace").encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": (self.peer, 50000),
            "server": ("portal.example.com", 443),
        }


def _framing(body: bytes | Sequence[Message], headers: Headers) -> Headers:
    """Return the header that announces the body, unless there is none or *headers* announce it."""
    if not body or any(name.lower() == "content-length" for name, _ in headers):
        return []
    return [
        ("Content-Length", str(len(body))) if isinstance(body, bytes) else ("Transfer-Encoding", "chunked")
    ]


def _messages(body: bytes) -> Sequence[Message]:
    return [{"type": "http.request", "body": body, "more_body": False}]


async def _exchange(app: ASGIApp, scope: Scope, messages: Sequence[Message]) -> Answer:
    waiting = list(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(start["status"], headers, b"".join(message["body"] for message in rest))
