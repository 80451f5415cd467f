"""The provider's sessions, authorization codes and access tokens, which are lost when its process ends."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from daypass.demo.identity_provider.settings import Person
from daypass.portal.clock import Clock

SESSION_LIFETIME = timedelta(hours=8)
CODE_LIFETIME = timedelta(minutes=1)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=5)

ONE_FACTOR, TWO_FACTORS = "pwd", "mfa"
"""The authentication context class references of the provider; nothing is proved with either."""
_METHODS = {ONE_FACTOR: ("pwd",), TWO_FACTORS: ("pwd", "otp", "mfa")}


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """A browser's session at the provider."""

    sid: str
    person: Person
    authenticated_at: datetime
    acr: str
    expires_at: datetime

    @property
    def amr(self) -> tuple[str, ...]:
        """The authentication methods (RFC 8176)."""
        return _METHODS[self.acr]


@dataclass(frozen=True, slots=True)
class Grant:
    """The content of an authorization code, and later of an access token."""

    session: ProviderSession
    redirect_uri: str
    scopes: frozenset[str]
    nonce: str | None
    challenge: str
    expires_at: datetime


@dataclass(slots=True)
class Grants:
    """The store of the only process; its callers run in one thread."""

    clock: Clock
    _sessions: dict[str, ProviderSession] = field(default_factory=dict)
    _codes: dict[str, Grant] = field(default_factory=dict)
    _access_tokens: dict[str, Grant] = field(default_factory=dict)
    _redeemed: dict[str, str] = field(default_factory=dict)
    """The access token of each redeemed code, by the code."""

    def start_session(self, person: Person, acr: str, earlier: ProviderSession | None) -> str:
        """Start a session and return its cookie; the same person keeps the `sid` of an *earlier* session."""
        now = self.clock()
        is_same = earlier is not None and earlier.person == person
        sid = earlier.sid if earlier is not None and is_same else secrets.token_urlsafe(16)
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = ProviderSession(sid, person, now, acr, now + SESSION_LIFETIME)
        return cookie

    def session(self, cookie: str) -> ProviderSession | None:
        """Return the session of a cookie, or None if there is none or it has expired."""
        session = self._sessions.get(cookie)
        return session if session is not None and session.expires_at > self.clock() else None

    def end_session(self, cookie: str) -> ProviderSession | None:
        """End the session of a cookie and return it; its codes and access tokens end with it."""
        session = self._sessions.pop(cookie, None)
        if session is None:
            return None
        for grants in (self._codes, self._access_tokens):
            for key in [key for key, grant in grants.items() if grant.session.sid == session.sid]:
                del grants[key]
        return session

    def drop_cookie(self, cookie: str) -> None:
        """Forget a cookie whose session goes on with another cookie."""
        self._sessions.pop(cookie, None)

    def new_code(self, grant: Grant) -> str:
        """Return an authorization code, valid once for `CODE_LIFETIME`."""
        self._forget_expired()
        code = secrets.token_urlsafe(32)
        self._codes[code] = replace(grant, expires_at=self.clock() + CODE_LIFETIME)
        return code

    def redeem(self, code: str) -> Grant | None:
        """Return the grant of a code at its first use, else None; a second use revokes the access token."""
        # One of the two senders has stolen the code (RFC 6749, section 4.1.2).
        self._access_tokens.pop(self._redeemed.pop(code, ""), None)
        grant = self._codes.pop(code, None)
        return grant if grant is not None and grant.expires_at > self.clock() else None

    def new_access_token(self, grant: Grant, code: str) -> str:
        """Return an access token for a redeemed code."""
        token = secrets.token_urlsafe(32)
        self._access_tokens[token] = replace(grant, expires_at=self.clock() + ACCESS_TOKEN_LIFETIME)
        self._redeemed[code] = token
        return token

    def of_access_token(self, token: str) -> Grant | None:
        """Return the grant of an access token, or None if it is unknown, revoked or expired."""
        grant = self._access_tokens.get(token)
        return grant if grant is not None and grant.expires_at > self.clock() else None

    def _forget_expired(self) -> None:
        now = self.clock()
        self._codes = {key: grant for key, grant in self._codes.items() if grant.expires_at > now}
        tokens = {key: grant for key, grant in self._access_tokens.items() if grant.expires_at > now}
        self._access_tokens = tokens
        self._redeemed = {code: token for code, token in self._redeemed.items() if token in tokens}
        self._sessions = {key: each for key, each in self._sessions.items() if each.expires_at > now}
