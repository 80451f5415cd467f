"""Authenticated endpoints: read the body, identify the caller, authorize, and run the handler in a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from daypass.portal.access.model import Caller, Channel
from daypass.portal.http.core.authentication import Authenticator, Permission, PresentedCredentials
from daypass.portal.http.core.authorization import Authorizer, RouteInfo
from daypass.portal.http.core.problems import BodyTooLarge, NotJson
from daypass.portal.http.core.threadpool import ThreadPools

LARGEST_BODY = 64 * 1024
_BODY_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request of an authenticated caller, read completely."""

    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[ApiRequest], Response]
"""Answers a request; runs in a thread, so it may block."""


@dataclass(frozen=True, slots=True)
class ApiEndpoints:
    """The dependencies that all endpoints of one channel share."""

    channel: Channel
    authenticator: Authenticator
    pools: ThreadPools
    authorizer: Authorizer

    def endpoint(
        self, permission: Permission, handler: Handler, *, calls_aws: bool = False
    ) -> "AuthenticatedEndpoint":
        """Return an endpoint that requires *permission*; *calls_aws* selects the thread pool."""
        return AuthenticatedEndpoint(self, permission, handler, calls_aws=calls_aws)


class AuthenticatedEndpoint:
    """An endpoint that requires a permission. A request takes one thread, and waits for it once."""

    def __init__(
        self, endpoints: ApiEndpoints, permission: Permission, handler: Handler, *, calls_aws: bool
    ) -> None:
        self.permission = permission
        self._endpoints = endpoints
        self._pool = endpoints.pools.aws if calls_aws else endpoints.pools.local
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise a `PortalError`."""
        # Before the body is read, so that a client without a token cannot make the portal wait for one. The
        # token itself is looked up in the database, by the one thread that the request takes.
        presented = self._endpoints.authenticator.presented(request)
        body = await read_body(request)
        return await self._pool.run(partial(self._answer, presented, request, body))

    def _answer(self, presented: PresentedCredentials, request: Request, body: bytes) -> Response:
        endpoints = self._endpoints
        caller = endpoints.authenticator.identify(presented, endpoints.channel, self.permission.accepts)
        endpoints.authorizer.authorize(self.permission, caller, RouteInfo.of(request))
        return self._handler(
            ApiRequest(caller, request.path_params, request.query_params, body, request.headers)
        )


class PublicEndpoint:
    """An endpoint without authentication, whose answer does not block."""

    permission = Permission.PUBLIC

    def __init__(self, answer: Callable[[], Response]) -> None:
        self._answer = answer

    async def __call__(self, _request: Request) -> Response:
        """Return the answer."""
        return self._answer()


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """Read the whole body of a request. Raises `NotJson` or `BodyTooLarge`."""
    if _has_no_body(request):
        return b""
    body = bytearray()
    async for chunk in body_chunks(request, largest):
        body += chunk
    return bytes(body)


async def body_chunks(
    request: Request, largest: int, patience: timedelta = _BODY_TIME
) -> AsyncGenerator[bytes, None]:
    """Yield the body in chunks, as they arrive. Raises `NotJson` or `BodyTooLarge`."""
    # The declared length refuses a large body before it is sent. The received bytes are counted as well,
    # because a chunked body declares no length. Python refuses to convert thousands of digits, so only the
    # first twelve are read.
    declared, received = request.headers.get("content-length", "0"), 0
    if not (declared.isascii() and declared.isdigit()) or int(declared[:12]) > largest:
        raise _too_large(largest)
    try:
        async with asyncio.timeout(patience.total_seconds()):
            async for chunk in request.stream():
                received += len(chunk)
                if received > largest:
                    raise _too_large(largest)
                yield chunk
    except (TimeoutError, ClientDisconnect) as error:
        raise NotJson("The body did not arrive completely.") from error


def _has_no_body(request: Request) -> bool:
    """Whether the head of a request already says that there is no body, so that none is waited for."""
    # RFC 9112, section 6.3. In HTTP/2 the end of the stream says so, and no header is required.
    return (
        request.scope["http_version"] in {"1.0", "1.1"}
        and "content-length" not in request.headers
        and "transfer-encoding" not in request.headers
    )


def _too_large(largest: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than the limit of {largest // 1024} KiB.")


def answer_nothing() -> Response:
    """Return 204 No Content."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


def answer_json(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return an answer whose body is JSON that is already encoded."""
    return Response(body, status, media_type="application/json")
