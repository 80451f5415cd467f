"""Endpoints for identity providers, which authenticate by a token for SCIM and by nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from daypass.portal.errors import Unauthenticated
from daypass.portal.http.core.authentication import ClientAddresses, Permission, bearer_token
from daypass.portal.http.core.endpoints import read_body
from daypass.portal.http.core.problems import LOG_FIELDS, REQUEST_ID
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.identity.provisioning.model import Provisioner
from daypass.portal.identity.provisioning.tokens import ScimTokens

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ScimRequest:
    """A request of an identity provider, read completely."""

    by: Provisioner
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def expected_tag(self) -> str | None:
        """The tag that If-Match demands, or None for any."""
        header = self.headers.get("if-match", "").strip()
        # An asterisk matches any existing resource (RFC 9110, section 13.1.1), which the service requires
        # anyway.
        if header in {"", "*"}:
            return None
        return header.removeprefix("W/").strip('"')


Handler = Callable[[ScimRequest], Response]
"""Answers a request; runs in a thread, so it may block."""


@dataclass(frozen=True, slots=True)
class ScimEndpoints:
    """The dependencies that all endpoints of the channel share."""

    tokens: ScimTokens
    providers: frozenset[str]
    """The providers that provision. A token of another one is not accepted any more."""
    addresses: ClientAddresses
    pool: ThreadPool

    def endpoint(self, handler: Handler) -> "ScimEndpoint":
        """Return the endpoint of a route."""
        return ScimEndpoint(self, handler)


class ScimEndpoint:
    """An endpoint for identity providers. A request takes one thread."""

    permission = Permission.PROVISIONING

    def __init__(self, endpoints: ScimEndpoints, handler: Handler) -> None:
        self._endpoints = endpoints
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise a `PortalError`."""
        token = bearer_token(request)
        # Before the body is read, so that a client without a token cannot make the portal wait for one.
        if not token:
            raise Unauthenticated("No token was sent. Send one as “Authorization: Bearer TOKEN”.")
        body = await read_body(request, LARGEST_BODY)
        return await self._endpoints.pool.run(partial(self._answer, token, request, body))

    def _answer(self, token: str, request: Request, body: bytes) -> Response:
        endpoints = self._endpoints
        by = endpoints.tokens.authenticate(
            token, address=endpoints.addresses.of(request), request_id=request.scope[REQUEST_ID]
        )
        # The token stays valid in the database: the operator may have removed the provider by mistake.
        if by.provider not in endpoints.providers:
            raise Unauthenticated(
                "The configuration does not let this identity provider provision users and groups. The "
                "operator of the portal sets groups = “scim” for it."
            )
        request.scope.get(LOG_FIELDS, {})["provider"] = by.provider
        return self._handler(
            ScimRequest(by, request.path_params, request.query_params, request.headers, body)
        )
