"""Redirects of browsers to the pages of identity providers and back."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from daypass.portal.clock import Clock
from daypass.portal.http.layout.cookies import ATTEMPT, set_cookie
from daypass.portal.http.layout.csrf import ForgedRequest
from daypass.portal.http.layout.endpoints import BrowserRequest, PageVisit
from daypass.portal.http.layout.redirects import SIGN_IN, safe_path
from daypass.portal.http.layout.user_agents import device_of
from daypass.portal.http.services import Services
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.attempts import SignInAttempts
from daypass.portal.identity.external.links import ExternalLinks
from daypass.portal.identity.external.model import ATTEMPT_LIFETIME, Attempt, ExternalIdentity, Purpose
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.providers.base import RedirectProvider, SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication, SavedRequest
from daypass.portal.identity.reauthentication import require_recent_authentication
from daypass.portal.identity.sign_in_count import count_sign_in
from daypass.portal.secret import Secret

_ANEW = timedelta(0)
"""The maximum age of an authentication at the provider that counts: none, so that it asks again."""


@dataclass(frozen=True, slots=True)
class ProviderRedirects:
    """Sends browsers to identity providers, and makes sessions of the accounts that they come back with."""

    attempts: SignInAttempts
    accounts: ExternalAccounts
    links: ExternalLinks
    sessions: BrowserSessions
    public_url: str
    clock: Clock

    @classmethod
    def of(cls, services: Services) -> "ProviderRedirects":
        """Return the redirects of a portal."""
        return cls(
            services.attempts,
            services.external_accounts,
            services.external_links,
            services.browser_sessions,
            services.config.public_url,
            services.clock,
        )

    def to_sign_in(self, provider: RedirectProvider, request: BrowserRequest, next_page: str) -> Response:
        """Redirect to the provider, for a browser without a session; raises `ProviderUnavailable`."""
        url, cookie = self._begin(provider, request, Purpose.SIGN_IN, next_page)
        return _leading_to(url, cookie)

    def to_reauthenticate(self, provider: RedirectProvider, visit: PageVisit, back: str) -> Response:
        """Redirect to the provider, which must authenticate the signed-in user anew."""
        url, cookie = self._begin(provider, visit, Purpose.REAUTHENTICATE, back, visit)
        return _leading_to(url, cookie)

    def to_link(self, provider: RedirectProvider, visit: PageVisit, back: str) -> tuple[str, Secret]:
        """Begin the link of an account; return the address of the provider's page, and the cookie.

        Raises `ReauthenticationRequired` and `ProviderUnavailable`.
        """
        # Here and not at the callback: the user confirms that it is them, and then goes to the provider.
        require_recent_authentication(visit.caller.token, self.clock())
        return self._begin(provider, visit, Purpose.LINK, back, visit)

    def to_check(self, provider: RedirectProvider, request: BrowserRequest, back: str) -> Response:
        """Redirect to the provider for a check of the claims; raises `ProviderUnavailable`."""
        url, cookie = self._begin(provider, request, Purpose.CHECK, back)
        return _leading_to(url, cookie)

    def checked(
        self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest
    ) -> Authentication:
        """Return the verified answer of the provider, without a sign-in; raises its refusals."""
        return self._answer(attempt, provider, request)

    def take(self, provider: RedirectProvider, request: BrowserRequest) -> Attempt:
        """Return the attempt that the callback answers, which then counts no more; raises `ForgedRequest`."""
        attempt = self.attempts.take(request.attempt_cookie, request.query.get("state", ""), provider.name)
        if attempt is None:
            raise ForgedRequest(
                "This sign-in was not started in this browser, was answered already, or took longer than "
                f"{ATTEMPT_LIFETIME // timedelta(minutes=1)} minutes. Sign in again."
            )
        return attempt

    def sign_in(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> SignedIn:
        """Start a session with the provider's answer; raises refusals of provider, account and session."""
        context = context_of(request)
        with count_sign_in(provider.name, "sign_in"):
            answered = self._answer(attempt, provider, request)
            proven = self.accounts.prove(provider.config, answered, context)
            return self.sessions.start(proven, context, replaces=request.session_cookie or None)

    def reauthenticate(
        self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest
    ) -> SignedIn:
        """Replace the session by a fresh one with the provider's answer; raises the same as `sign_in`."""
        context = context_of(request)
        # Before the code is redeemed, because an answer for another session is refused in any case.
        token, _ = self._session_of(attempt, request)
        with count_sign_in(provider.name, "reauthenticate"):
            answered = self._answer(attempt, provider, request)
            proven = self.accounts.prove_again(provider.config, answered, context)
            return self.sessions.reauthenticate(token, proven, context)

    def link(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> ExternalIdentity:
        """Link the account of the provider's answer to the signed-in user."""
        token, user = self._session_of(attempt, request)
        answered = self._answer(attempt, provider, request)
        return self.links.link(provider.config, answered, user, token, request.request_id)

    def _session_of(self, attempt: Attempt, request: BrowserRequest) -> tuple[ApiToken, User]:
        token, user = self.sessions.find(request.session_cookie)
        # The cookie of the attempt outlives a sign-out, and another user may have signed in since.
        if user.id != attempt.user_id:
            raise ForgedRequest("Another user has signed in since. Go back, and try again.")
        # That session was recent when the attempt began, and the present one need not be.
        if token.id != attempt.token_id:
            raise ForgedRequest("Your sign-in was replaced or has ended since. Go back, and try again.")
        return token, user

    def _answer(
        self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest
    ) -> Authentication:
        saved = SavedRequest(
            attempt.nonce, attempt.verifier, attempt.max_age, attempt.acr_values, attempt.created_at
        )
        return provider.authenticate(self._callback_url(provider), request.query, saved)

    def _begin(
        self,
        provider: RedirectProvider,
        request: BrowserRequest,
        purpose: Purpose,
        next_page: str,
        visit: PageVisit | None = None,
    ) -> tuple[str, Secret]:
        """Begin an attempt; return the address of the provider's page, and the cookie."""
        is_anew = purpose is Purpose.REAUTHENTICATE
        asked = provider.authorization_request(
            self._callback_url(provider),
            max_age=_ANEW if is_anew else None,
            acr_values=provider.config.acr_values if is_anew else (),
        )
        attempt = Attempt(
            provider=provider.name,
            purpose=purpose,
            nonce=asked.nonce,
            verifier=asked.verifier,
            next=next_page,
            created_at=self.clock(),
            user_id=None if visit is None else visit.caller.user.id,
            token_id=None if visit is None else visit.caller.token.id,
            max_age=_ANEW if is_anew else None,
            acr_values=tuple(provider.config.acr_values) if is_anew else (),
            address=request.address,
        )
        return asked.url, self.attempts.begin(attempt, asked.state)

    def _callback_url(self, provider: RedirectProvider) -> str:
        return f"{self.public_url}{callback_path(provider)}"


def sign_in_path(provider: RedirectProvider) -> str:
    """Return the path that leads to the provider's page."""
    return f"{SIGN_IN}/oidc/{provider.name}"


def callback_path(provider: RedirectProvider) -> str:
    """Return the path to which the provider sends browsers back."""
    return f"{sign_in_path(provider)}/callback"


def context_of(request: BrowserRequest) -> SignInContext:
    """Return the facts about a request that a sign-in is made with."""
    return SignInContext(
        request.address,
        request.request_id,
        request.device_cookie or None,
        device_of(request.request.headers.get("user-agent", "")),
    )


def return_path(attempt: Attempt) -> str:
    """Return the page that an attempt leads back to."""
    return safe_path(attempt.next)


def _leading_to(url: str, cookie: Secret) -> Response:
    response = RedirectResponse(url, 303)
    keep_attempt(response, cookie)
    return response


def keep_attempt(response: Response, cookie: Secret) -> None:
    """Let the browser keep the id of its attempt."""
    set_cookie(response, ATTEMPT, cookie.reveal(), ATTEMPT_LIFETIME)
