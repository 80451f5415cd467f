"""What an application asks by itself: to be let in, for tokens, and to be forgotten."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from daypass.portal.clock import Clock
from daypass.portal.errors import OAuthRefused
from daypass.portal.http.oauth.client_endpoints import ClientRequest
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import (
    AuthorizationParameters,
    RequestId,
    TokenGrant,
    read_destination,
)
from daypass.portal.identity.oauth.token_families import TokenFamilies, TokenRequest
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret

AUTHORIZE = "/oauth/authorize"
PAR = "/oauth/par"
TOKEN = "/oauth/token"  # noqa: S105  an address
REVOKE = "/oauth/revoke"
CODE = "/oauth/code"
"""Where a code is sent that is shown to the person; nobody ever goes there, it only stands for the page."""
METADATA = "/.well-known/oauth-authorization-server"

TENANTS, ADMIN = "tenants", "admin"
"""The two scopes: the person's tenants, and the master role beside them."""

_URN = "urn:ietf:params:oauth:request_uri:"


def request_id_of(request_uri: str) -> RequestId:
    """The reference in a request URI; what is none leads to no request."""
    return RequestId(request_uri.removeprefix(_URN))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The calls of applications."""

    consents: AuthorizationRequests
    grants: TokenFamilies
    clock: Clock
    issuer: str

    def push(self, sent: ClientRequest) -> Response:
        """Take in what will be asked for (RFC 9126)."""
        if sent.get("response_type") != "code":
            raise OAuthRefused("unsupported_response_type", "response_type is code, and nothing else.")
        if sent.get("code_challenge_method") != "S256":
            raise OAuthRefused("invalid_request", "code_challenge_method is S256, and nothing else.")
        scopes = set(sent.get("scope").split())
        if not {TENANTS} <= scopes <= {TENANTS, ADMIN}:
            raise OAuthRefused("invalid_scope", f"scope is “{TENANTS}”, or “{TENANTS} {ADMIN}”.")
        wish = AuthorizationParameters(
            client_id=sent.get("client_id"),
            challenge=sent.get("code_challenge"),
            state=sent.get("state"),
            destination=read_destination(sent.get("redirect_uri"), self.grants.paste_back),
            wants_admin=ADMIN in scopes,
            tenant=redacted(sent.get("tenant")),
            device=redacted(sent.get("device")),
            version=sent.get("version"),
            address=sent.address[:64],
        )
        request = self.consents.push(wish)
        answer = {
            "request_uri": _URN + request.id,
            "expires_in": int((request.expires_at - request.created_at).total_seconds()),
            "match_code": request.match_code,
            "issuer": self.issuer,
        }
        return JSONResponse(answer, HTTPStatus.CREATED)

    def token(self, sent: ClientRequest) -> Response:
        """Tokens for a code, or for a refresh token."""
        grant_type = sent.get("grant_type")
        if grant_type == "authorization_code":
            redeemer = TokenRequest(
                client_id=sent.get("client_id"),
                verifier=Secret(sent.get("code_verifier")),
                redirect_uri=sent.get("redirect_uri"),
                address=sent.address,
                request_id=sent.request_id,
            )
            return self._tokens(self.grants.redeem(Secret(sent.get("code")), redeemer))
        if grant_type == "refresh_token":
            refresh = Secret(sent.get("refresh_token"))
            return self._tokens(self.grants.refresh(refresh, sent.address, sent.request_id))
        raise OAuthRefused("unsupported_grant_type", "grant_type is authorization_code or refresh_token.")

    def revoke(self, sent: ClientRequest) -> Response:
        """Sign a device out (RFC 7009)."""
        self.grants.revoke(sent.get("token"), sent.address, sent.request_id)
        return Response()

    def metadata(self) -> Response:
        """What is where (RFC 8414)."""
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
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": [TENANTS, ADMIN],
            }
        )

    def _tokens(self, granted: TokenGrant) -> Response:
        now = self.clock()
        return JSONResponse(
            {
                "access_token": granted.access.reveal(),
                "token_type": "Bearer",
                "expires_in": int((granted.access_token.expires_at - now).total_seconds()),
                "refresh_token": granted.refresh.reveal(),
                "refresh_expires_in": int((granted.grant.expires_at - now).total_seconds()),
                "scope": f"{TENANTS} {ADMIN}" if granted.grant.allows_admin else TENANTS,
                "username": granted.user.username,
                "sign_in_id": granted.grant.id,
            }
        )
