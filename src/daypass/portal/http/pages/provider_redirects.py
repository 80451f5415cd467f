"""Redirects of browsers to the pages of identity providers and back, for sign-in and reauthentication."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from starlette.responses import RedirectResponse, Response

from daypass.portal.clock import Clock
from daypass.portal.http.layout.cookies import VISIT, set_cookie
from daypass.portal.http.layout.csrf import ForgedRequest, check_token, csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest, PageVisit
from daypass.portal.http.layout.redirects import SIGN_IN, safe_path
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.providers.base import RedirectProvider, SignInContext
from daypass.portal.identity.sign_in_count import count_sign_in

_LIFETIME = timedelta(minutes=10)
"""The time in which a user must authenticate at the provider."""

_ANEW = timedelta(0)
"""The maximum age of an authentication at the provider that counts: none, so that it asks again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in or to reauthenticate at a provider, as the parameter `state` carries it."""

    provider: str
    is_reauthentication: bool
    next: str
    """The page to return to."""
    began_at: datetime

    def signed(self, cookie: str) -> str:
        """Return the attempt as text that only a browser with this *cookie* can bring back."""
        # The random part makes the states of two attempts differ.
        began_at = self.began_at.timestamp()
        text = json.dumps(
            [self.provider, self.is_reauthentication, self.next, began_at, secrets.token_urlsafe(16)]
        )
        return f"{urlsafe_b64encode(text.encode()).decode()}.{csrf_token(cookie, _purpose(text))}"

    @classmethod
    def of(cls, state: str, request: BrowserRequest, now: datetime) -> "Attempt":
        """Read *state*; raises `ForgedRequest` unless it was made for this browser, not long ago.

        Without this check, another site could finish its own sign-in in the browser of a user, who would then
        work in a foreign account.
        """
        encoded, _, token = state.partition(".")
        try:
            text = urlsafe_b64decode(encoded).decode()
            provider, is_reauthentication, next_page, began_at, _ = json.loads(text)
            cookie = request.session_cookie if is_reauthentication else request.visit_cookie
            check_token(cookie, token, _purpose(text))
        # Nothing is verified before the text is parsed, and nested brackets exhaust the parser's stack.
        except (ValueError, TypeError, RecursionError, ForgedRequest) as invalid:
            raise ForgedRequest("This sign-in was not started in this browser. Sign in again.") from invalid
        attempt = cls(
            provider, is_reauthentication, safe_path(next_page), datetime.fromtimestamp(began_at, UTC)
        )
        if now - attempt.began_at > _LIFETIME:
            raise ForgedRequest("This sign-in took too long. Sign in again.")
        return attempt


@dataclass(frozen=True, slots=True)
class ProviderRedirects:
    """Sends browsers to identity providers, and makes sessions of the identities that they come back with."""

    sessions: BrowserSessions
    public_url: str
    clock: Clock

    def to_sign_in(self, provider: RedirectProvider, request: BrowserRequest, next_page: str) -> Response:
        """Redirect to the provider, for a browser without a session."""
        visit = request.visit_cookie or secrets.token_urlsafe(24)
        state = self._attempt(provider, next_page, is_reauthentication=False).signed(visit)
        response = RedirectResponse(provider.login_url(self._callback_url(provider), state), 303)
        if not request.visit_cookie:
            set_cookie(response, VISIT, visit)
        return response

    def to_reauthenticate(self, provider: RedirectProvider, visit: PageVisit, back: str) -> Response:
        """Redirect to the provider, which must authenticate the signed-in user anew."""
        state = self._attempt(provider, back, is_reauthentication=True).signed(visit.session_cookie)
        url = provider.login_url(self._callback_url(provider), state, max_age=_ANEW)
        return RedirectResponse(url, 303)

    def attempt(self, provider: RedirectProvider, request: BrowserRequest) -> Attempt:
        """Return the attempt that the callback answers; raises `ForgedRequest`."""
        attempt = Attempt.of(request.query.get("state", ""), request, self.clock())
        # The answer of one provider must not end the attempt at another one (RFC 9207).
        if attempt.provider != provider.name:
            raise ForgedRequest("This sign-in was started at another identity provider. Sign in again.")
        return attempt

    def finish(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> SignedIn:
        """Make a session of the provider's answer; raises the same as `BrowserSessions`."""
        action: Literal["sign_in", "reauthenticate"]
        action = "reauthenticate" if attempt.is_reauthentication else "sign_in"
        with count_sign_in(provider.name, action):
            return self._session(attempt, provider, request)

    def _session(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> SignedIn:
        proven = provider.identify(self._callback_url(provider), request.query)
        if proven.provider != provider.name:
            raise ValueError(f"{provider.name} proved an identity in the name of {proven.provider}")
        context = context_of(request)
        if not attempt.is_reauthentication:
            return self.sessions.start(proven, context, replaces=request.session_cookie or None)
        token, _ = self.sessions.find(request.session_cookie)
        return self.sessions.reauthenticate(token, proven, context)

    def _attempt(self, provider: RedirectProvider, next_page: str, *, is_reauthentication: bool) -> Attempt:
        return Attempt(provider.name, is_reauthentication, next_page, self.clock())

    def _callback_url(self, provider: RedirectProvider) -> str:
        return f"{self.public_url}{callback_path(provider)}"


def sign_in_path(provider: RedirectProvider) -> str:
    """Return the path that leads to the provider's page."""
    return f"{SIGN_IN}/{provider.name}"


def callback_path(provider: RedirectProvider) -> str:
    """Return the path to which the provider sends browsers back."""
    return f"{sign_in_path(provider)}/callback"


def context_of(request: BrowserRequest) -> SignInContext:
    """Return the facts about a request that a sign-in is made with."""
    return SignInContext(request.address, request.request_id, request.device_cookie or None)


def _purpose(text: str) -> str:
    return f"provider {text}"
