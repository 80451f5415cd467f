"""The values of the authorization code flow: parameters, redirect targets, grants (RFC 6749, 7636, 8252)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from daypass.common.pkce import s256_challenge
from daypass.portal.errors import OAuthRefused
from daypass.portal.identity.model import ApiToken, TokenId, User, UserId
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scopes
from daypass.portal.secret import Secret

RequestId = NewType("RequestId", str)

OUR_CLIENT = "daypass-cli"
"""The client ID of the daypass CLI. Public clients are not authenticated (RFC 8252), and pages say so."""

REQUEST_LIFE = timedelta(minutes=5)
CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(minutes=60)
GRANT_LIFE = timedelta(hours=12)
"""The lifetime of a token family, from the consent; a refresh does not extend it."""

MIN_MAX_AGE = timedelta(minutes=5)
"""The smallest `max_age` of a request, so that the user has time to read the request and consent."""

MIN_VIEW_TIME = timedelta(milliseconds=700)
"""The minimum time that a consent page must be visible before an approval."""

_SECOND = timedelta(seconds=1)
# Ports below 1024 belong to services of the system.
_PORTS = range(1024, 65536)
# Not `localhost`, whose resolution a machine may change (RFC 8252, section 8.3). The random path keeps other
# programs from guessing the address.
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:([0-9]{4,5})(/cb/[A-Za-z0-9_-]{16,64})")
# A SHA-256 digest in base64url without padding (RFC 7636, section 4.2).
_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")
# RFC 7636, section 4.1.
_VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")
_STATE = re.compile("[A-Za-z0-9._~-]{16,128}")
_CLIENT = re.compile("[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Loopback:
    """A loopback redirect URI (RFC 8252, section 7.3): the only target a code is redirected to."""

    port: int
    path: str

    @property
    def url(self) -> str:
        """The URI, built from its validated parts."""
        return f"http://127.0.0.1:{self.port:d}{self.path}"


@dataclass(frozen=True, slots=True)
class ManualRedirect:
    """The portal's page that shows the code once, for the user to copy."""


Destination = Loopback | ManualRedirect


def parse_redirect_uri(redirect_uri: str, paste_back: str) -> Destination:
    """Return the redirect target; *paste_back* is the URI of the portal's page. Raises `OAuthRefused`."""
    if redirect_uri == paste_back:
        return ManualRedirect()
    match = _LOOPBACK.fullmatch(redirect_uri)
    # `[0-9]` and not `\d`, which matches digits of other scripts too.
    port = int(match[1]) if match else 0
    # The URI is built anew from the number, so a leading zero would make it differ from the pushed one.
    if match is None or port not in _PORTS or str(port) != match[1]:
        raise OAuthRefused(
            "invalid_request",
            "redirect_uri must be http://127.0.0.1:PORT/cb/RANDOM or the portal's own page.",
        )
    return Loopback(port, match[2])


@dataclass(frozen=True, slots=True)
class AuthorizationParameters:
    """The parameters of a pushed request: all of them untrusted, all of them shown to the user."""

    client_id: str
    challenge: str
    state: str
    destination: Destination
    scopes: Scopes
    tenant: str
    """The tenant in use, shown for orientation; the consent covers all tenants of the user."""
    device: str
    version: str
    address: str
    max_age: timedelta | None = None
    """The maximum age of the authentication that the client asks for (RFC 9470, section 4); None for any."""

    @property
    def wants_admin(self) -> bool:
        """Whether account administration is among the scopes."""
        return ADMIN_SCOPE in self.scopes

    def check(self) -> None:
        """Return if the parameters are well-formed; raise `OAuthRefused` otherwise."""
        if not _CLIENT.fullmatch(self.client_id):
            raise OAuthRefused("invalid_client", "client_id has 1 to 64 letters, digits, dots and dashes.")
        if not _CHALLENGE.fullmatch(self.challenge):
            raise OAuthRefused("invalid_request", "code_challenge is missing, or is not an S256 challenge.")
        if not _STATE.fullmatch(self.state):
            raise OAuthRefused("invalid_request", "state is missing; it has 16 to 128 unreserved characters.")
        for name, text, longest in (
            ("device", self.device, 64),
            ("tenant", self.tenant, 64),
            ("version", self.version, 32),
        ):
            if len(text) > longest or not text.isprintable():
                raise OAuthRefused("invalid_request", f"{name} has at most {longest} printable characters.")
        if self.max_age is not None and not MIN_MAX_AGE <= self.max_age <= GRANT_LIFE:
            raise OAuthRefused(
                "invalid_request",
                f"max_age has {MIN_MAX_AGE // _SECOND} to {GRANT_LIFE // _SECOND} seconds.",
            )
        if not self.device:
            raise OAuthRefused("invalid_request", "device is missing: the name of the requesting machine.")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request and its state: pushed, shown, decided, redeemed."""

    id: RequestId
    parameters: AuthorizationParameters
    match_code: str
    created_at: datetime
    expires_at: datetime
    shown_at: datetime | None = None
    shown_to: TokenId | None = None
    """The browser session that the consent was last shown in; only that one may answer it."""
    decided_at: datetime | None = None
    code_expires_at: datetime | None = None
    user_id: UserId | None = None
    authenticated_at: datetime | None = None
    """When the user who approved the request had authenticated; None before, or if it is not known."""
    redeemed_at: datetime | None = None
    grant_id: TokenId | None = None

    @property
    def is_known_application(self) -> bool:
        """Whether the client ID is that of the daypass CLI."""
        return self.parameters.client_id == OUR_CLIENT


@dataclass(frozen=True, slots=True)
class AuthorizationCodeGrant:
    """An approved request with its authorization code, which is returned this once."""

    request: AuthorizationRequest
    code: Secret


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """The tokens of a device: an access token and a refresh token (RFC 6749, section 5.1)."""

    user: User
    grant: ApiToken
    access_token: ApiToken
    access: Secret
    refresh: Secret


def challenge_of(verifier: str) -> str | None:
    """Return the S256 code challenge (RFC 7636) of *verifier*, or None if the verifier is malformed."""
    return s256_challenge(verifier) if _VERIFIER.fullmatch(verifier) else None
