"""The endpoints for OAuth clients: pushed authorization requests, tokens, revocation and metadata."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.clock import Clock
from daypass.portal.errors import OAuthRefused
from daypass.portal.http.core.endpoints import PublicEndpoint
from daypass.portal.http.core.routing import exact
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.http.oauth.client_endpoints import ClientEndpoints, ClientRequest
from daypass.portal.http.services import Services
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import (
    AuthorizationParameters,
    RequestId,
    TokenGrant,
    parse_redirect_uri,
)
from daypass.portal.identity.oauth.token_families import TokenFamilies, TokenRequest
from daypass.portal.identity.scopes import (
    TENANTS_AND_ADMIN,
    TENANTS_ONLY,
    Scopes,
    format_scopes,
    parse_scopes,
)
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.workloads.exchange import ExchangeRequest, TokenExchange

AUTHORIZE = "/oauth/authorize"
PAR = "/oauth/par"
TOKEN = "/oauth/token"  # noqa: S105  an address
REVOKE = "/oauth/revoke"
CODE = "/oauth/code"
"""The redirect URI for codes that are displayed to the user; it is an identifier, not a page."""
METADATA = "/.well-known/oauth-authorization-server"

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  an identifier
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  an identifier
_SUBJECT_TOKENS = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")

PATHS = (PAR, TOKEN, REVOKE, METADATA)

_CONSENTS = (TENANTS_ONLY, TENANTS_AND_ADMIN)
"""The sets of scopes that an application may ask for."""

_MOST_DIGITS = 6

_URN = "urn:ietf:params:oauth:request_uri:"


def request_id_of(request_uri: str) -> RequestId:
    """Return the request id in a request URI. The id of an invalid URI matches no request."""
    return RequestId(request_uri.removeprefix(_URN))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The handlers of the endpoints for clients."""

    consents: AuthorizationRequests
    grants: TokenFamilies
    workloads: TokenExchange
    clock: Clock
    issuer: str

    def push(self, request: ClientRequest) -> Response:
        """Store a pushed authorization request (RFC 9126)."""
        if request.get("response_type") != "code":
            raise OAuthRefused("unsupported_response_type", "response_type must be code.")
        # RFC 7636 also has the method `plain`, which sends the verifier itself and protects nothing.
        if request.get("code_challenge_method") != "S256":
            raise OAuthRefused("invalid_request", "code_challenge_method must be S256.")
        scopes = _requested_scopes(request.get("scope"))
        parameters = AuthorizationParameters(
            client_id=request.get("client_id"),
            challenge=request.get("code_challenge"),
            state=request.get("state"),
            destination=parse_redirect_uri(request.get("redirect_uri"), self.grants.manual_redirect_uri),
            scopes=scopes,
            # Users paste tokens into any field, and these two are shown on the consent page and recorded.
            tenant=redacted(request.get("tenant")),
            device=redacted(request.get("device")),
            version=request.get("version"),
            address=request.address[:64],
            max_age=_max_age(request.get("max_age")),
        )
        pushed = self.consents.push(parameters)
        answer = {
            "request_uri": _URN + pushed.id,
            "expires_in": int((pushed.expires_at - pushed.created_at).total_seconds()),
            "match_code": pushed.match_code,
            "issuer": self.issuer,
        }
        return JSONResponse(answer, HTTPStatus.CREATED)

    def token(self, request: ClientRequest) -> Response:
        """Return tokens for an authorization code or a refresh token (RFC 6749)."""
        grant_type = request.get("grant_type")
        if grant_type == "authorization_code":
            token_request = TokenRequest(
                client_id=request.get("client_id"),
                verifier=Secret(request.get("code_verifier")),
                redirect_uri=request.get("redirect_uri"),
                address=request.address,
                request_id=request.request_id,
            )
            return self._tokens(self.grants.redeem(Secret(request.get("code")), token_request))
        if grant_type == "refresh_token":
            refresh = Secret(request.get("refresh_token"))
            return self._tokens(self.grants.refresh(refresh, request.address, request.request_id))
        if grant_type == TOKEN_EXCHANGE:
            return self._exchange(request)
        raise OAuthRefused(
            "unsupported_grant_type",
            f"grant_type must be authorization_code, refresh_token or {TOKEN_EXCHANGE}.",
        )

    def revoke(self, request: ClientRequest) -> Response:
        """Revoke the tokens of a device (RFC 7009)."""
        self.grants.revoke(request.get("token"), request.address, request.request_id)
        # Also for an unknown token: the client has what it wanted (RFC 7009, section 2.2).
        return Response()

    def metadata(self) -> Response:
        """Return the authorization server metadata (RFC 8414)."""
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": self.issuer + AUTHORIZE,
                "token_endpoint": self.issuer + TOKEN,
                "revocation_endpoint": self.issuer + REVOKE,
                "pushed_authorization_request_endpoint": self.issuer + PAR,
                "require_pushed_authorization_requests": True,
                "authorization_response_iss_parameter_supported": True,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": format_scopes(TENANTS_AND_ADMIN).split(),
            }
        )

    def _exchange(self, request: ClientRequest) -> Response:
        """Return a token for the ID token of a workload (RFC 8693)."""
        _check_exchange(request)
        exchanged = self.workloads.exchange(
            ExchangeRequest(
                token=Secret(request.get("subject_token")),
                audience=request.get("audience"),
                address=request.address,
                request_id=request.request_id,
                received_at=request.received_at,
            )
        )
        answer = {
            "access_token": exchanged.secret.reveal(),
            "issued_token_type": _ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": int((exchanged.token.expires_at - self.clock()).total_seconds()),
            "scope": format_scopes(exchanged.token.scopes),
            "username": exchanged.account.username,
        }
        # RFC 6749, section 5.1, requires the header where tokens are in an answer.
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _tokens(self, granted: TokenGrant) -> Response:
        now = self.clock()
        return JSONResponse(
            {
                "access_token": granted.access.reveal(),
                "token_type": "Bearer",
                "expires_in": int((granted.access_token.expires_at - now).total_seconds()),
                "refresh_token": granted.refresh.reveal(),
                "refresh_expires_in": int((granted.grant.expires_at - now).total_seconds()),
                "scope": format_scopes(granted.grant.scopes),
                "username": granted.user.username,
                "sign_in_id": granted.grant.id,
            }
        )


def _check_exchange(request: ClientRequest) -> None:
    """Raise `OAuthRefused` for an exchange that lacks a parameter or asks for what the portal does not do."""
    if not request.get("subject_token"):
        raise OAuthRefused("invalid_request", "subject_token is missing. Send the ID token of the workload.")
    if request.get("subject_token_type") not in _SUBJECT_TOKENS:
        raise OAuthRefused("invalid_request", f"subject_token_type must be {' or '.join(_SUBJECT_TOKENS)}.")
    if request.get("requested_token_type") not in ("", _ACCESS_TOKEN):
        raise OAuthRefused("invalid_request", f"requested_token_type must be {_ACCESS_TOKEN}.")
    if request.get("actor_token") or request.get("actor_token_type"):
        raise OAuthRefused("invalid_request", "The portal takes no actor_token. Leave it out.")
    if request.get("scope") not in ("", format_scopes(TENANTS_ONLY)):
        raise OAuthRefused("invalid_scope", f"scope must be {format_scopes(TENANTS_ONLY)}, or left out.")


def _max_age(text: str) -> timedelta | None:
    """Return the parameter of RFC 9470, section 4, or None if it is missing; raises `OAuthRefused`."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise OAuthRefused("invalid_request", "max_age must be a whole number of seconds.")
    return timedelta(seconds=int(text))


def _requested_scopes(text: str) -> Scopes:
    with suppress(ValueError):
        scopes = parse_scopes(text)
        if scopes in _CONSENTS:
            return scopes
    allowed = " or ".join(f"“{format_scopes(scopes)}”" for scopes in _CONSENTS)
    raise OAuthRefused("invalid_scope", f"scope must be {allowed}.")


def routes(services: Services, consents: AuthorizationRequests) -> Sequence[BaseRoute]:
    """Return the routes that clients call directly."""
    origin = services.config.public_url
    grants = TokenFamilies(services.database, services.committer, services.clock, origin + CODE)
    endpoints = Endpoints(consents, grants, services.token_exchange, services.clock, origin)
    pools = services.pools
    clients = ClientEndpoints(services.authenticator.addresses, pools.local, services.clock)

    def pool_of(request: ClientRequest) -> ThreadPool:
        # An exchange may wait for its issuer, and must not delay sign-ins of people or the refresh of tokens.
        return pools.workloads if request.get("grant_type") == TOKEN_EXCHANGE else pools.local

    return [
        exact("POST", PAR, clients.endpoint(endpoints.push)),
        exact("POST", TOKEN, clients.endpoint(endpoints.token, pool_of)),
        exact("POST", REVOKE, clients.endpoint(endpoints.revoke)),
        exact("GET", METADATA, PublicEndpoint(endpoints.metadata)),
    ]
