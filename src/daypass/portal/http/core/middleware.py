"""Middleware for every request: a request id, security headers, HEAD, and one line in the log."""

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daypass.portal.config.model import AccessLog
from daypass.portal.http.core.authentication import ClientAddresses
from daypass.portal.http.core.problems import CHANNEL, LOG_FIELDS, REFUSAL, REQUEST_ID
from daypass.portal.http.core.request_log import RequestLog
from daypass.portal.telemetry.metrics import HTTP_SECONDS, REFUSALS
from daypass.portal.telemetry.metrics_model import OTHER

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""The default headers of an answer; an endpoint may set others."""

_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

_SLASHES = re.compile(b"/{2,}")
_DIRECT = ClientAddresses()
"""No trusted proxies: the peer is the client."""


class RequestMiddleware:
    """The outermost ASGI middleware."""

    def __init__(
        self, app: ASGIApp, addresses: ClientAddresses = _DIRECT, access_log: AccessLog = AccessLog.ON
    ) -> None:
        self._app = app
        self._log = RequestLog(access_log, addresses)

    def wrap(self, wrapper: Callable[[ASGIApp], ASGIApp]) -> None:
        """Serve each request inside *wrapper*, which runs before its line is logged."""
        self._app = wrapper(self._app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        scope[REQUEST_ID] = request_id = uuid4().hex
        scope["path"] = _path(scope)
        scope[LOG_FIELDS] = {}
        is_head = scope["method"] == "HEAD"
        status = sent = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                # The middleware is the outermost one, so that error responses and static files get these
                # headers too.
                headers += [header for header in _RAW_HEADERS if header[0] not in present]
                headers.append((b"x-request-id", request_id.encode()))
                message["headers"] = headers
            elif message["type"] == "http.response.body":
                if is_head:
                    # The headers of GET, without its content (RFC 9110, section 9.3.2).
                    message["body"] = b""
                sent += len(message.get("body", b""))
            await send(message)

        crash: Exception | None = None
        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:  # the channel's own handler has answered already
            crash = error
        took = time.perf_counter() - began
        _count(scope, status, took)
        self._log.write(scope, status, took, sent, crash)


def _count(scope: Scope, status: int, took: float) -> None:
    """Record a request in the metrics."""
    HTTP_SECONDS.observe(took, scope.get(CHANNEL, OTHER), f"{status // 100}xx")
    if REFUSAL in scope:
        REFUSALS.count(scope[REFUSAL].code)


def _path(scope: Scope) -> str:
    """Return the path with repeated slashes merged, because duploctl starts some paths with two."""
    path: str = scope["path"]
    if "//" not in path:
        return path
    # The raw path is used, because slashes sent as %2F are part of a name and must not be merged.
    raw: bytes = scope.get("raw_path") or quote(path).encode()
    return unquote(_SLASHES.sub(b"/", raw))
