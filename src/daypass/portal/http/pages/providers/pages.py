"""The pages of sign-in at identity providers: the way there, the callback, and refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.errors import AccountRefused, PortalError, SignInAgain, Unauthenticated
from daypass.portal.http.core.problems import REFUSAL, status_of
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.cookies import ATTEMPT, delete_cookie
from daypass.portal.http.layout.endpoints import BrowserRequest
from daypass.portal.http.layout.reauthentication import page_title
from daypass.portal.http.layout.redirects import CONFIRM, SIGN_IN, login_url, redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.access_contacts import AccessContacts
from daypass.portal.http.pages.providers.claims_check import ClaimsCheckPages, check_path
from daypass.portal.http.pages.providers.redirects import (
    ProviderRedirects,
    callback_path,
    return_path,
    sign_in_path,
)
from daypass.portal.http.pages.session_cookies import set_session_cookies, signed_in_redirect
from daypass.portal.http.pages.sign_in import UNCHANGED
from daypass.portal.http.services import Services
from daypass.portal.identity.external.model import Attempt, Purpose
from daypass.portal.identity.external.rules import EMAIL_DOMAIN
from daypass.portal.identity.providers.base import RedirectProvider

_TITLES = {
    Purpose.LINK: "The account is not linked",
    Purpose.REAUTHENTICATE: "Your identity is not confirmed",
}
"""The titles of refusals to users who are signed in, and stay so."""


@dataclass(frozen=True, slots=True)
class SignInRefusalPage:
    """The data of the page that says why an answer of a provider was refused."""

    title: str
    reason: str
    code: str
    administrators: Sequence[str]
    """The contacts who can give access; empty if they cannot help."""
    ways: Sequence[tuple[str, str]]
    """The addresses to go on with, each with the text of its button; the first is the usual one."""
    request_id: str


@dataclass(frozen=True, slots=True)
class ProviderPages:
    """Handlers of sign-in and reauthentication at identity providers."""

    pages: PageRenderer
    redirects: ProviderRedirects
    contacts: AccessContacts
    claims_check: ClaimsCheckPages

    def begin(self, provider: RedirectProvider, request: BrowserRequest) -> Response:
        """Redirect to the provider to sign in there."""
        next_page = safe_path(request.query.get("next", ""))
        try:
            return self.redirects.to_sign_in(provider, request, next_page)
        except PortalError as refusal:
            return self._refusal(provider, request, refusal, Purpose.SIGN_IN, next_page)

    def finish(self, provider: RedirectProvider, request: BrowserRequest) -> Response:
        """Sign in or reauthenticate with the answer of the provider, and redirect to the attempt's page."""
        attempt = self.redirects.take(provider, request)
        try:
            response = self._finished(attempt, provider, request)
        except PortalError as refusal:
            response = self._refusal(provider, request, refusal, attempt.purpose, return_path(attempt))
        # The attempt counts once, so its cookie is of no more use, also after a refusal.
        delete_cookie(response, ATTEMPT)
        return response

    def _finished(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> Response:
        back = return_path(attempt)
        if attempt.purpose is Purpose.CHECK:
            return self.claims_check.finish(attempt, provider, request)
        if attempt.purpose is Purpose.SIGN_IN:
            return signed_in_redirect(back, self.redirects.sign_in(attempt, provider, request))
        if attempt.purpose is Purpose.LINK:
            linked = self.redirects.link(attempt, provider, request)
            name = linked.email or linked.username or linked.subject
            return redirect(back, f"You can now sign in with {name} at {provider.label}.")
        signed_in = self.redirects.reauthenticate(attempt, provider, request)
        response = redirect(back, f"Identity confirmed. {UNCHANGED}")
        set_session_cookies(response, signed_in)
        return response

    def _refusal(
        self,
        provider: RedirectProvider,
        request: BrowserRequest,
        refusal: PortalError,
        purpose: Purpose,
        back: str,
    ) -> Response:
        # A session that ended meanwhile leads to the sign-in page, and programs get problem details.
        if isinstance(refusal, Unauthenticated | SignInAgain) or not request.wants_page:
            raise refusal
        page = SignInRefusalPage(
            title=_TITLES.get(purpose, "You are not signed in"),
            reason=refusal.reason,
            code=refusal.code,
            # A user who is signed in has access, and misses only what was to be confirmed or linked.
            administrators=() if purpose in _TITLES else self._contacts(provider, refusal),
            ways=_ways(provider, purpose, back),
            request_id=request.request_id,
        )
        # The log of the request has the code, as with the errors that leave a handler.
        request.request.scope[REFUSAL] = refusal
        theme = request.preferences.theme
        return self.pages.show_alone("pages/sign-in-refused.html", page, status_of(refusal), theme=theme)

    def _contacts(self, provider: RedirectProvider, refusal: PortalError) -> Sequence[str]:
        if not isinstance(refusal, AccountRefused):
            return ()
        # An account of another domain shows that the person is a stranger.
        if refusal.cause_code == EMAIL_DOMAIN:
            return self.contacts.for_stranger()
        return self.contacts.for_user_of(provider.name)


def _ways(provider: RedirectProvider, purpose: Purpose, back: str) -> Sequence[tuple[str, str]]:
    """Return the addresses to go on with after a refusal, with the texts of their buttons."""
    if purpose is Purpose.LINK:
        # A link begins with a form of that page.
        return [(back, f"Back to {page_title(back)}")]
    if purpose is Purpose.REAUTHENTICATE:
        return [(login_url(CONFIRM, back), "Try again"), (back, "Go back")]
    return [
        (login_url(sign_in_path(provider), back), "Try again"),
        (f"{SIGN_IN}?choose=1&next={quote(back, safe='/')}", "Other ways to sign in"),
    ]


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes to the pages of each provider and back."""
    pages = ProviderPages(
        services.pages,
        ProviderRedirects.of(services),
        AccessContacts.of(services),
        ClaimsCheckPages.of(services),
    )
    endpoints = services.page_endpoints(Channel.WEB)
    return [
        route
        for provider in services.providers
        if isinstance(provider, RedirectProvider)
        for route in (
            exact(
                "GET",
                check_path(provider),
                endpoints.open_page(partial(pages.claims_check.begin, provider), services.pools.providers),
                has_effects=True,
            ),
            exact(
                "GET",
                sign_in_path(provider),
                endpoints.open_page(partial(pages.begin, provider), services.pools.providers),
                has_effects=True,
            ),
            exact(
                "GET",
                callback_path(provider),
                endpoints.open_page(partial(pages.finish, provider), services.pools.providers),
                has_effects=True,
            ),
        )
    ]
