"""The way in for applications: a form in, JSON out, no cookie looked at; and the form of their refusals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daypass.portal.errors import InvalidRequest, OAuthRefused, PortalError
from daypass.portal.http.core.authentication import ClientAddresses, Permission
from daypass.portal.http.core.endpoints import read_body
from daypass.portal.http.core.problems import REQUEST_ID
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.http.layout.forms import Form, read_form


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """What an application sent, and from where."""

    form: Form
    address: str
    request_id: str

    def get(self, name: str) -> str:
        """A parameter; empty where it was not sent. Sent twice, it means nothing (RFC 6749, section 3.1)."""
        if len(self.form.all(name)) > 1:
            raise OAuthRefused("invalid_request", f"{name} was sent more than once.")
        return self.form.raw(name)


Handler = Callable[[ClientRequest], Response]


@dataclass(frozen=True, slots=True)
class ClientEndpoints:
    """What the endpoints of applications share."""

    addresses: ClientAddresses
    pool: ThreadPool

    def admit(self, handler: Handler) -> "ClientHandler":
        """The endpoint of a route; what is presented there says who may."""
        return ClientHandler(self, handler)


class ClientHandler:
    """An endpoint for applications; one thread does all of it."""

    permission = Permission.ANYBODY

    def __init__(self, entrance: ClientEndpoints, handler: Handler) -> None:
        self._entrance = entrance
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise the refusal."""
        form = read_form(request, await read_body(request))
        sent = ClientRequest(form, self._entrance.addresses.of(request), request.scope[REQUEST_ID])
        return await self._entrance.pool.run(partial(self._handler, sent))


def oauth_error(refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
    """The form of RFC 6749, section 5.2."""
    if isinstance(refusal, OAuthRefused):
        error = refusal.error
    elif status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        error = "temporarily_unavailable"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        error = "server_error"
    else:
        error = "invalid_request"
    if isinstance(refusal, InvalidRequest) and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    content = {
        "error": error,
        "error_description": refusal.reason,
        "request_id": request.scope[REQUEST_ID],
    }
    return JSONResponse(content, status)
