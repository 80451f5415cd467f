"""Sign-in, reauthentication and sign-out."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.errors import (
    InvalidRequest,
    PortalError,
    RateLimited,
    SignInAgain,
    SignInFailed,
    TooManyAttempts,
    Unauthenticated,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.cookies import SESSION, VISIT, delete_cookie, set_cookie
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest, PageVisit
from daypass.portal.http.layout.reauthentication import DeferredForm, Reauthentication, page_title
from daypass.portal.http.layout.redirects import CONFIRM, SIGN_IN, login_url, redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.passkeys.step import ask_for_passkey
from daypass.portal.http.pages.providers.logout import SIGNED_OUT, LogoutAtProvider
from daypass.portal.http.pages.providers.redirects import ProviderRedirects, context_of, sign_in_path
from daypass.portal.http.pages.session_cookies import set_session_cookies, signed_in_redirect
from daypass.portal.http.services import Services
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.passkeys.second_factor import SecondFactors
from daypass.portal.identity.providers.base import IdentityProvider, PasswordProvider, RedirectProvider
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.identity.sign_in_count import count_sign_in
from daypass.portal.secret import Secret

_LONGEST_USERNAME = 255
_STAYS = {"out", "choose"}
"""The query parameters with which the page leads to no provider by itself."""
UNCHANGED = "Nothing was done yet: repeat your last step."
"""The end of the notice after a reauthentication that lost the form."""


@dataclass(frozen=True, slots=True)
class ProviderLink:
    """An identity provider with pages of its own, as the sign-in page offers it."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The data of the sign-in page."""

    csrf: str
    next: str
    host: str
    then: str
    """The title of the page after sign-in."""
    is_ownerless: bool
    """Whether the portal has no Administrator yet; only the providers are offered then."""
    options: Sequence[ProviderLink | None]
    """The identity providers in the order in which they are offered; None is the form for a password."""
    password_path: str
    """The address of the page with the form, if it is for emergencies only; else empty."""
    is_for_emergencies: bool
    """Whether the form is for the break-glass account only."""
    username: str = ""
    error: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SignInPages:
    """Handlers of sign-in, reauthentication and sign-out."""

    pages: PageRenderer
    confirmations: Reauthentication
    providers: IdentityProviders
    redirects: ProviderRedirects
    logout: LogoutAtProvider
    browser_sessions: BrowserSessions
    second_factors: SecondFactors
    has_administrator: Callable[[], bool]
    public_url: str
    password_sign_in: PasswordSignIn

    def show(self, request: BrowserRequest) -> Response:
        """Show the sign-in page, or redirect a user who is already signed in."""
        next_page = safe_path(request.query.get("next", ""))
        if self._is_signed_in(request):
            return redirect(next_page)
        provider = self._provider_of(request)
        if provider is not None:
            return redirect(login_url(sign_in_path(provider), next_page))
        notice = ""
        if "ended" in request.query:
            notice = "Your session has ended. Sign in again to continue."
        elif "out" in request.query:
            notice = "You are signed out."
        return self._answer(request, next_page, notice=notice)

    def sign_in(self, provider: PasswordProvider, request: BrowserRequest) -> Response:
        """Sign in with a password, and redirect to the page in `next`, or to the step of the passkey."""
        form, context = request.form, context_of(request)
        next_page = safe_path(form.raw("next"))
        try:
            with count_sign_in(provider.name, "sign_in"):
                proven = provider.verify(form.get("username"), Secret(form.raw("password")), context)
                pending = self.second_factors.begin(proven, context, next_page, request.recovery_cookie)
                if pending is not None:
                    return ask_for_passkey(pending)
                signed_in = self.browser_sessions.start(
                    proven, context, replaces=request.session_cookie or None
                )
        except (SignInFailed, TooManyAttempts, RateLimited, InvalidRequest) as refusal:
            return self._answer(request, next_page, refusal=refusal)
        return signed_in_redirect(next_page, signed_in)

    def show_confirm(self, visit: PageVisit) -> Response:
        """Show *Confirm your password*, or redirect to the provider that proved the user's identity.

        A user of such a provider who has a passkey chooses between the two.
        """
        back = safe_path(visit.query.get("next", ""))
        provider = self.providers.for_session(visit.caller.token)
        has_choice = "provider" not in visit.query and self.confirmations.has_passkey(visit.caller.user)
        if isinstance(provider, RedirectProvider) and not has_choice:
            return self.redirects.to_reauthenticate(provider, visit, back)
        return self.confirmations.ask(visit.caller, visit.session_cookie, visit.layout.theme, back)

    def confirm(self, provider: PasswordProvider, visit: PageVisit) -> Response:
        """Check the password, then redirect back or show the deferred form for submission."""
        caller, back, theme = visit.caller, safe_path(visit.form.raw("next")), visit.layout.theme
        context, password = context_of(visit), Secret(visit.form.raw("password"))
        waiting = DeferredForm.from_signed(visit.form, visit.session_cookie)
        try:
            with count_sign_in(provider.name, "reauthenticate"):
                self.confirmations.check_password_allowed(caller.user)
                proven = provider.verify_again(caller.user, password, context)
                signed_in = self.browser_sessions.reauthenticate(caller.token, proven, context)
        except (SignInFailed, TooManyAttempts, RateLimited) as refusal:
            return self.confirmations.ask(
                caller,
                visit.session_cookie,
                theme,
                back,
                waiting=waiting,
                refusal=refusal,
                error=refusal.reason,
            )
        if waiting is None:
            response = redirect(back, f"Password confirmed. {UNCHANGED}")
        else:
            response = self.confirmations.again(waiting, signed_in.cookie.reveal(), theme, back)
        set_session_cookies(response, signed_in)
        return response

    def sign_out(self, visit: PageVisit) -> Response:
        """Sign out: end the browser session and every credential derived from it."""
        caller = visit.caller
        self.browser_sessions.sign_out(caller.token, caller.user, caller.request_id)
        page = self.logout.page_for(caller.token)
        if page is None:
            response = redirect(SIGNED_OUT)
        else:
            response = self.pages.show_alone("pages/signed-out.html", page, theme=visit.layout.theme)
        delete_cookie(response, SESSION)
        return response

    def _is_signed_in(self, request: BrowserRequest) -> bool:
        try:
            self.browser_sessions.find(request.session_cookie)
        except (Unauthenticated, SignInAgain):
            return False
        return True

    def _provider_of(self, request: BrowserRequest) -> RedirectProvider | None:
        """Return the provider that the sign-in page leads to by itself, or None if the user chooses."""
        redirect_providers = [p for p in self.providers if isinstance(p, RedirectProvider)]
        asked = request.query.get("provider", "")
        if asked:
            return next((p for p in redirect_providers if p.name == asked), None)
        is_only = len(redirect_providers) == 1 and not self._offers_password(request)
        # After a sign-out or a refusal the provider would sign the user in again at once, or refuse again.
        if not is_only or _STAYS & request.query.keys():
            return None
        # Without an Administrator the page says how to create one.
        return redirect_providers[0] if self.has_administrator() else None

    def _offers_password(self, request: BrowserRequest) -> bool:
        """Return whether the page has the form for a password; `?password` asks for it, for break-glass."""
        return (
            self.password_sign_in is PasswordSignIn.ON
            or "password" in request.query
            or request.form.has("username")
        )

    def _answer(
        self,
        request: BrowserRequest,
        next_page: str,
        *,
        notice: str = "",
        refusal: PortalError | None = None,
    ) -> Response:
        visit = request.visit_cookie or secrets.token_urlsafe(24)
        offers_password = self._offers_password(request)
        page = SignInPage(
            csrf=csrf_token(visit),
            next=next_page,
            host=urlsplit(self.public_url).netloc,
            then=page_title(next_page),
            is_ownerless=not self.has_administrator(),
            options=[
                _option_of(provider, next_page)
                for provider in self.providers
                if isinstance(provider, RedirectProvider) or offers_password
            ],
            password_path=""
            if offers_password
            else f"{SIGN_IN}?password=1&next={quote(next_page, safe='/')}",
            is_for_emergencies=self.password_sign_in is PasswordSignIn.BREAK_GLASS,
            username=request.form.get("username")[:_LONGEST_USERNAME],
            error="" if refusal is None else refusal.reason,
            notice=notice,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        response = self.pages.show_alone("pages/sign-in.html", page, status, theme=request.preferences.theme)
        if not request.visit_cookie:
            set_cookie(response, VISIT, visit)
        return response


def _option_of(provider: IdentityProvider, next_page: str) -> ProviderLink | None:
    if not isinstance(provider, RedirectProvider):
        return None
    return ProviderLink(provider.label, login_url(sign_in_path(provider), next_page))


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    pages = SignInPages(
        pages=services.pages,
        confirmations=services.reauthentication,
        providers=services.providers,
        redirects=ProviderRedirects.of(services),
        logout=LogoutAtProvider(services.providers, services.external_accounts, services.config.public_url),
        browser_sessions=services.browser_sessions,
        second_factors=services.second_factors,
        has_administrator=services.users.has_administrator,
        public_url=services.config.public_url,
        password_sign_in=services.config.password_sign_in,
    )
    endpoints, user = services.page_endpoints(Channel.WEB), services.page_routes(Permission.USER)
    return [
        exact("GET", SIGN_IN, endpoints.open_page(pages.show)),
        # Both may need the metadata of the provider of the session, which may be slow.
        user.page(CONFIRM, pages.show_confirm, pool=services.pools.providers),
        user.form("/sign-out", pages.sign_out, pool=services.pools.providers),
        *(route for provider in services.providers for route in _routes_of(provider, pages, services)),
    ]


def _routes_of(provider: IdentityProvider, pages: SignInPages, services: Services) -> Sequence[BaseRoute]:
    """Return the routes of the forms for a password; the other providers have pages of their own."""
    endpoints, user = services.page_endpoints(Channel.WEB), services.page_routes(Permission.USER)
    if isinstance(provider, RedirectProvider):
        return []
    return [
        exact("POST", SIGN_IN, endpoints.open_form(partial(pages.sign_in, provider))),
        user.form(CONFIRM, partial(pages.confirm, provider)),
    ]
