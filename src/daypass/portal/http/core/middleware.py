"""Middleware for every request: a request id, security headers, HEAD, and one line in the log."""

import re
import time
from collections.abc import Mapping
from urllib.parse import quote, unquote
from uuid import uuid4

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daypass.portal.errors import storage_cause
from daypass.portal.http.core.authentication import ClientAddresses
from daypass.portal.http.core.problems import CHANNEL, LOG_FIELDS, REFUSAL, REQUEST_ID
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
# The paths of `http/health.py`, which imports from this package and so cannot be imported here. They are not
# logged, because load balancers call them every few seconds.
_PROBES = frozenset({"/healthz", "/readyz"})

_MAX_CAUSE_LENGTH = 300
_DIRECT = ClientAddresses()
"""No trusted proxies: the peer is the client."""

_log = structlog.get_logger("portal.http")


class RequestMiddleware:
    """The outermost ASGI middleware."""

    def __init__(self, app: ASGIApp, addresses: ClientAddresses = _DIRECT) -> None:
        self._app = app
        self._addresses = addresses

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
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                # The middleware is the outermost one, so that error responses and static files get these
                # headers too.
                headers += [header for header in _RAW_HEADERS if header[0] not in present]
                headers.append((b"x-request-id", request_id.encode()))
                message["headers"] = headers
            elif is_head and message["type"] == "http.response.body":
                # The headers of GET, without its content (RFC 9110, section 9.3.2).
                message["body"] = b""
            await send(message)

        crash: Exception | None = None
        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:  # the channel's own handler has answered already
            crash = error
        took = time.perf_counter() - began
        _count(scope, status, took)
        self._log_request(scope, status, took, crash)

    def _log_request(self, scope: Scope, status: int, took: float, crash: Exception | None) -> None:
        if scope["path"] in _PROBES and status < 500 and crash is None:
            return
        line: dict[str, object] = {
            "request_id": scope[REQUEST_ID],
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(took * 1000, 1),
            "address": self._addresses.of(HTTPConnection(scope)),
        }
        if "tenant" in scope.get("path_params", ()):
            line["tenant"] = scope["path_params"]["tenant"]
        # A copy, because a thread of a request that timed out may still add fields.
        line |= scope[LOG_FIELDS].copy()
        refusal = scope.get(REFUSAL)
        if refusal is not None:
            line |= {"code": refusal.code, "reason": refusal.reason}
        if crash is not None:
            _log.error("request", **line, exc_info=crash)
        elif status >= 500:
            _log.error("request", **line, **_cause(refusal))
        else:
            _log.info("request", **line)


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


def _cause(refusal: BaseException | None) -> dict[str, str]:
    """Return the cause of a refusal on one line: the message of the database or of the system.

    The text of other exceptions may contain request data, so only their type is returned.
    """
    if message := storage_cause(refusal):
        return {"cause": message}
    deepest = refusal
    while deepest is not None and deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if deepest is None or deepest is refusal:
        return {}
    name = type(deepest).__name__
    if not isinstance(deepest, OSError):
        return {"cause": name}
    return {"cause": f"{name}: {' '.join(str(deepest).split())[:_MAX_CAUSE_LENGTH]}"}
