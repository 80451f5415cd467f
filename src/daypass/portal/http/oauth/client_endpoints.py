"""Endpoints for OAuth clients: form parameters in, JSON out, no cookies; and their error format."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daypass.portal.clock import Clock
from daypass.portal.errors import InvalidRequest, OAuthRefused, PortalError
from daypass.portal.http.core.authentication import ClientAddresses, Permission
from daypass.portal.http.core.endpoints import read_body
from daypass.portal.http.core.problems import REQUEST_ID
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.http.layout.forms import Form, read_form


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """The parameters and the origin of a client's request."""

    form: Form
    address: str
    request_id: str
    received_at: datetime

    def get(self, name: str) -> str:
        """Return a parameter, empty if missing. Raises `OAuthRefused` if repeated (RFC 6749, section 3.1)."""
        if len(self.form.all(name)) > 1:
            raise OAuthRefused("invalid_request", f"{name} was sent more than once.")
        return self.form.raw(name)


Handler = Callable[[ClientRequest], Response]
PoolOf = Callable[[ClientRequest], ThreadPool]


@dataclass(frozen=True, slots=True)
class ClientEndpoints:
    """The dependencies that all endpoints for clients share."""

    addresses: ClientAddresses
    pool: ThreadPool
    clock: Clock

    def endpoint(self, handler: Handler, pool_of: PoolOf | None = None) -> "ClientHandler":
        """Return the endpoint of a route. The handler authenticates by the parameters.

        *pool_of* chooses the thread pool of a request; without it, requests are answered in `pool`.
        """
        return ClientHandler(self, handler, pool_of or (lambda _request: self.pool))


class ClientHandler:
    """An endpoint for clients, which runs its handler in one thread."""

    permission = Permission.PUBLIC

    def __init__(self, endpoints: ClientEndpoints, handler: Handler, pool_of: PoolOf) -> None:
        self._endpoints = endpoints
        self._handler = handler
        self._pool_of = pool_of

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise a `PortalError`."""
        form = read_form(request, await read_body(request))
        endpoints = self._endpoints
        address, request_id = endpoints.addresses.of(request), request.scope[REQUEST_ID]
        parsed = ClientRequest(form, address, request_id, endpoints.clock())
        return await self._pool_of(parsed).run(partial(self._handler, parsed))


def oauth_error(refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
    """Return an error in the format of RFC 6749, section 5.2."""
    if isinstance(refusal, OAuthRefused):
        error = refusal.error
    elif status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        error = "temporarily_unavailable"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        error = "server_error"
    else:
        error = "invalid_request"
    # RFC 6749 requires 400 for an invalid request, and the other channels answer 422.
    if isinstance(refusal, InvalidRequest) and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    content = {
        "error": error,
        "error_description": refusal.reason,
        "request_id": request.scope[REQUEST_ID],
    }
    return JSONResponse(content, status)
