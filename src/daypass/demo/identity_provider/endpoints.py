"""The endpoints for the client: metadata, key set, token endpoint and userinfo."""

import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as InvalidBase64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daypass.demo.identity_provider.authorization_request import SCOPES, RequestRefused, parameters
from daypass.demo.identity_provider.grants import (
    ACCESS_TOKEN_LIFETIME,
    ONE_FACTOR,
    TWO_FACTORS,
    Grant,
    Grants,
)
from daypass.demo.identity_provider.settings import ProviderSettings
from daypass.demo.identity_provider.tokens import ALGORITHM, TokenSigner, person_claims
from daypass.portal.secret import Secret

METADATA_PATH = "/.well-known/openid-configuration"
AUTHORIZE, TOKEN, USERINFO, KEYS, LOGOUT = "/authorize", "/token", "/userinfo", "/keys", "/logout"
_NO_STORE = {"Cache-Control": "no-store"}
_MOST_BYTES = 16_384


def metadata(issuer: str) -> dict[str, object]:
    """Return the provider's metadata (OpenID Connect Discovery, section 3)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "jwks_uri": issuer + KEYS,
        "end_session_endpoint": issuer + LOGOUT,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [ONE_FACTOR, TWO_FACTORS],
        "prompt_values_supported": ["none", "login"],
        "claims_supported": [
            *("iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "nonce", "sid"),
            *("name", "preferred_username", "email", "email_verified", "groups"),
        ],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        # The default of this member is true.
        "request_uri_parameter_supported": False,
    }


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; raises `RequestRefused`."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise RequestRefused("invalid_request", "The request is too long.")
    # A form is ASCII; Latin-1 decodes any other bytes without an error.
    return parameters(content.decode("latin-1"))


@dataclass(frozen=True, slots=True)
class ClientEndpoints:
    """Handlers of the requests that the client sends itself."""

    settings: ProviderSettings
    grants: Grants
    signer: TokenSigner

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(METADATA_PATH, self._metadata, methods=["GET"]),
            Route(KEYS, self._keys, methods=["GET"]),
            Route(TOKEN, self._token, methods=["POST"]),
            # OpenID Connect Core, section 5.3.1, demands both methods.
            Route(USERINFO, self._userinfo, methods=["GET", "POST"]),
        ]

    async def _metadata(self, _request: Request) -> Response:
        return JSONResponse(metadata(self.settings.issuer))

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse(self.signer.key_set(), headers={"Cache-Control": "max-age=300"})

    async def _token(self, request: Request) -> Response:
        try:
            form = await form_of(request)
            if not self._is_client(request, form):
                # RFC 6749, section 5.2.
                headers = {**_NO_STORE, "WWW-Authenticate": 'Basic realm="token"'}
                return JSONResponse({"error": "invalid_client"}, 401, headers)
            return self._exchange(form)
        except RequestRefused as refused:
            content = {"error": refused.code, "error_description": str(refused)}
            return JSONResponse(content, 400, _NO_STORE)

    def _exchange(self, form: Mapping[str, str]) -> Response:
        if form.get("grant_type") != "authorization_code":
            raise RequestRefused("unsupported_grant_type", "grant_type must be authorization_code.")
        code = form.get("code", "")
        # Redeemed before any check, so that a code is tried once.
        grant = self.grants.redeem(code)
        if grant is None:
            raise RequestRefused("invalid_grant", "The code is unknown, expired or used.")
        if form.get("redirect_uri") != grant.redirect_uri:
            raise RequestRefused("invalid_grant", "The redirect URI is not that of the code.")
        if not _matches(form.get("code_verifier", ""), grant.challenge):
            raise RequestRefused("invalid_grant", "The code verifier does not match the challenge.")
        access_token = self.grants.new_access_token(grant, code)
        content = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(sorted(grant.scopes)),
            "id_token": self.signer.id_token(grant, access_token, self.grants.clock()),
        }
        return JSONResponse(content, headers=_NO_STORE)

    async def _userinfo(self, request: Request) -> Response:
        grant = self._bearer(request)
        if grant is None:
            refusal = {**_NO_STORE, "WWW-Authenticate": 'Bearer error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, 401, refusal)
        person = grant.session.person
        claims = {"sub": person.subject, **person_claims(person, grant.scopes)}
        return JSONResponse(claims, headers=_NO_STORE)

    def _bearer(self, request: Request) -> Grant | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.grants.of_access_token(token) if scheme.lower() == "bearer" else None

    def _is_client(self, request: Request, form: Mapping[str, str]) -> bool:
        """Return whether id and secret are the client's, by header or form (RFC 6749, section 2.3.1)."""
        header = request.headers.get("authorization")
        # A client uses one way for each request, so beside a header the form has no credentials.
        given = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        client = self.settings.client
        return given[0] == client.id and Secret(given[1]) == client.secret


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (InvalidBase64, ValueError):
        return "", ""
    # Each part was encoded as a value of a form before the two were joined (RFC 6749, section 2.3.1).
    return (unquote_plus(client_id), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")


def _matches(verifier: str, challenge: str) -> bool:
    """Return whether the challenge is the verifier's digest (RFC 7636, section 4.6)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)
