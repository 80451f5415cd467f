"""The way in that all routes share: permission, body, caller, and a thread for the domain's code."""

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
    """A request of a known caller, as the domain's side sees it."""

    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[ApiRequest], Response]
"""Answers a call; runs in a thread, and may take its time there."""


@dataclass(frozen=True, slots=True)
class ApiEndpoints:
    """What the routes of one door share."""

    door: Channel
    callers: Authenticator
    pools: ThreadPools
    doorkeeper: Authorizer

    def admit(
        self, permission: Permission, handler: Handler, *, calls_aws: bool = False
    ) -> "AuthenticatedEndpoint":
        """The endpoint of a route for those who have *permission*; *calls_aws* chooses its thread pool."""
        return AuthenticatedEndpoint(self, permission, handler, calls_aws=calls_aws)


class AuthenticatedEndpoint:
    """An endpoint behind a permission; one thread does all of it, so that each request waits for one."""

    def __init__(
        self, entrance: ApiEndpoints, permission: Permission, handler: Handler, *, calls_aws: bool
    ) -> None:
        self.permission = permission
        self._entrance = entrance
        self._pool = entrance.pools.aws if calls_aws else entrance.pools.local
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise the refusal."""
        presented = self._entrance.callers.presented(request)
        body = await read_body(request)
        return await self._pool.run(partial(self._answer, presented, request, body))

    def _answer(self, presented: PresentedCredentials, request: Request, body: bytes) -> Response:
        caller = self._entrance.callers.identify(presented, self._entrance.door, self.permission.accepts)
        self._entrance.doorkeeper.authorize(self.permission, caller, RouteInfo.of(request))
        call = ApiRequest(caller, request.path_params, request.query_params, body, request.headers)
        return self._handler(call)


class PublicEndpoint:
    """An endpoint for anybody, with an answer that stands, or is made in no time."""

    permission = Permission.ANYBODY

    def __init__(self, answer: Callable[[], Response]) -> None:
        self._answer = answer

    async def __call__(self, _request: Request) -> Response:
        """The answer."""
        return self._answer()


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """The body of a request, whole; raises `NotJson` or `BodyTooLarge`."""
    body = bytearray()
    async for piece in pieces_of_body(request, largest):
        body += piece
    return bytes(body)


async def pieces_of_body(
    request: Request, largest: int, patience: timedelta = _BODY_TIME
) -> AsyncGenerator[bytes, None]:
    """The body piece by piece, as it comes; raises `NotJson` or `BodyTooLarge`."""
    stated, received = request.headers.get("content-length", "0"), 0
    if not (stated.isascii() and stated.isdigit()) or int(stated[:12]) > largest:
        raise _too_large(largest)
    try:
        async with asyncio.timeout(patience.total_seconds()):
            async for piece in request.stream():
                received += len(piece)
                if received > largest:
                    raise _too_large(largest)
                yield piece
    except (TimeoutError, ClientDisconnect) as error:
        raise NotJson("The body did not arrive whole.") from error


def _too_large(largest: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {largest // 1024} KiB, the most that is taken here.")


def answer_nothing() -> Response:
    """An answer that it is done, and nothing else."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


def answer_json(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """An answer of JSON that is written already."""
    return Response(body, status, media_type="application/json")
