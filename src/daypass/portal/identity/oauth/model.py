"""What an application asks for, where the answer may go, and what comes of it."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from daypass.portal.errors import OAuthRefused
from daypass.portal.identity.model import ApiToken, TokenId, User, UserId
from daypass.portal.secret import Secret

RequestId = NewType("RequestId", str)

OUR_CLIENT = "daypass-cli"
"""The one application that is known by its id; the name proves nothing, and the pages say so."""

REQUEST_LIFE = timedelta(minutes=5)
CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(minutes=60)
GRANT_LIFE = timedelta(hours=12)
"""How long a device stays signed in after the consent; nothing prolongs it."""

LOOK_FIRST = timedelta(milliseconds=700)
"""How long a consent must have been in view before it counts."""

_PORTS = range(1024, 65536)
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:([0-9]{4,5})(/cb/[A-Za-z0-9_-]{16,64})")
_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")
_STATE = re.compile("[A-Za-z0-9._~-]{16,128}")
_CLIENT = re.compile("[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Loopback:
    """A listener on the caller's own machine: the only address a code is ever sent to."""

    port: int
    path: str

    @property
    def url(self) -> str:
        """The address, made anew from its parts."""
        return f"http://127.0.0.1:{self.port:d}{self.path}"


@dataclass(frozen=True, slots=True)
class ManualRedirect:
    """A page of ours that shows the code once, for the person to carry over."""


Destination = Loopback | ManualRedirect


def read_destination(redirect_uri: str, paste_back: str) -> Destination:
    """Where the code may go; *paste_back* is the address of our own page. Refuses everything else."""
    if redirect_uri == paste_back:
        return ManualRedirect()
    match = _LOOPBACK.fullmatch(redirect_uri)
    # `[0-9]` and not `\d`, which knows digits that no port is written in.
    port = int(match[1]) if match else 0
    if match is None or port not in _PORTS or str(port) != match[1]:
        raise OAuthRefused(
            "invalid_request", "redirect_uri takes http://127.0.0.1:PORT/cb/RANDOM, or the portal's own page."
        )
    return Loopback(port, match[2])


@dataclass(frozen=True, slots=True)
class AuthorizationParameters:
    """What an application pushed: nothing of it is believed, all of it is shown."""

    client_id: str
    challenge: str
    state: str
    destination: Destination
    wants_admin: bool
    tenant: str
    """The tenant it is about just now, for the person to recognise; the consent covers all of theirs."""
    device: str
    version: str
    address: str

    def check(self) -> None:
        """Return when this is how a request looks; else refuse it."""
        if not _CLIENT.fullmatch(self.client_id):
            raise OAuthRefused("invalid_client", "client_id has 1 to 64 letters, digits, dots and dashes.")
        if not _CHALLENGE.fullmatch(self.challenge):
            raise OAuthRefused("invalid_request", "code_challenge is missing, or not one of S256.")
        if not _STATE.fullmatch(self.state):
            raise OAuthRefused("invalid_request", "state is missing; it has 16 to 128 unreserved characters.")
        for name, text, longest in (
            ("device", self.device, 64),
            ("tenant", self.tenant, 64),
            ("version", self.version, 32),
        ):
            if len(text) > longest or not text.isprintable():
                raise OAuthRefused("invalid_request", f"{name} has at most {longest} printable characters.")
        if not self.device:
            raise OAuthRefused("invalid_request", "device is missing: the name of the machine that asks.")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A wish on its way: pushed, shown, decided, redeemed."""

    id: RequestId
    wish: AuthorizationParameters
    match_code: str
    created_at: datetime
    expires_at: datetime
    shown_at: datetime | None = None
    shown_to: TokenId | None = None
    """The browser's sign-in that saw the consent last; only that one may answer it."""
    decided_at: datetime | None = None
    code_expires_at: datetime | None = None
    user_id: UserId | None = None
    redeemed_at: datetime | None = None
    grant_id: TokenId | None = None

    @property
    def is_known_application(self) -> bool:
        """Whether the application's id is one of ours."""
        return self.wish.client_id == OUR_CLIENT


@dataclass(frozen=True, slots=True)
class AuthorizationCodeGrant:
    """A consent: the code for the application, released this once."""

    request: AuthorizationRequest
    code: Secret


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What a device gets: a token to work with, and one to get the next one with."""

    user: User
    grant: ApiToken
    access_token: ApiToken
    access: Secret
    refresh: Secret


def challenge_of(verifier: str) -> str | None:
    """The S256 challenge (RFC 7636) of *verifier*; None where it cannot be one."""
    if not _VERIFIER.fullmatch(verifier):
        return None
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
