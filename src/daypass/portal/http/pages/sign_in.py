"""Sign-in, reauthentication and sign-out."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.errors import (
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
from daypass.portal.http.layout.cookies import DEVICE, SESSION, VISIT, delete_cookie, set_cookie
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest, PageVisit
from daypass.portal.http.layout.reauthentication import DeferredForm, Reauthentication, page_title
from daypass.portal.http.layout.redirects import CONFIRM, SIGN_IN, redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.services import Services
from daypass.portal.identity.browser_sessions import DEVICE_LIFETIME, BrowserSessions, SignedIn
from daypass.portal.secret import Secret

_LONGEST_USERNAME = 255


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The data of the sign-in page."""

    csrf: str
    next: str
    host: str
    then: str
    """The title of the page after sign-in."""
    is_ownerless: bool
    """Whether the portal has no Administrator yet, so that no user can sign in."""
    username: str = ""
    wrong: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SignInPages:
    """Handlers of sign-in, reauthentication and sign-out."""

    pages: PageRenderer
    confirmations: Reauthentication
    sign_ins: BrowserSessions
    has_administrator: Callable[[], bool]
    public_url: str

    def show(self, request: BrowserRequest) -> Response:
        """Show the sign-in page, or redirect a user who is already signed in."""
        next_page = safe_path(request.query.get("next", ""))
        if self._is_signed_in(request):
            return redirect(next_page)
        notice = ""
        if "ended" in request.query:
            notice = "Your session has expired. Sign in again to continue."
        elif "out" in request.query:
            notice = "You are signed out."
        return self._answer(request, next_page, notice=notice)

    def sign_in(self, request: BrowserRequest) -> Response:
        """Sign in, and redirect to the page in `next`."""
        form = request.form
        next_page = safe_path(form.raw("next"))
        try:
            signed_in = self.sign_ins.sign_in(
                form.get("username"),
                Secret(form.raw("password")),
                address=request.address,
                device=request.device_cookie or None,
                request_id=request.request_id,
                replaces=request.session_cookie or None,
            )
        except (SignInFailed, TooManyAttempts, RateLimited) as refusal:
            return self._answer(request, next_page, refusal=refusal)
        response = redirect(next_page)
        _set_session_cookies(response, signed_in)
        delete_cookie(response, VISIT)
        return response

    def show_confirm(self, visit: PageVisit) -> Response:
        """Show *Confirm your password*."""
        back = safe_path(visit.query.get("next", ""))
        return self.confirmations.ask(visit.caller, visit.session_cookie, visit.layout.theme, back)

    def confirm(self, visit: PageVisit) -> Response:
        """Check the password, then redirect back or show the deferred form for submission."""
        caller, back, theme = visit.caller, safe_path(visit.form.raw("next")), visit.layout.theme
        waiting = DeferredForm.from_signed(visit.form, visit.session_cookie)
        try:
            signed_in = self.sign_ins.confirm(
                caller.token,
                caller.user,
                Secret(visit.form.raw("password")),
                address=caller.address,
                request_id=caller.request_id,
                device=visit.device_cookie or None,
            )
        except (SignInFailed, TooManyAttempts, RateLimited) as refusal:
            return self.confirmations.ask(
                caller,
                visit.session_cookie,
                theme,
                back,
                waiting=waiting,
                refusal=refusal,
                wrong=refusal.reason,
            )
        if waiting is None:
            response = redirect(
                back, "Password confirmed. Nothing was changed yet: submit your change again."
            )
        else:
            response = self.confirmations.again(waiting, signed_in.cookie.reveal(), theme, back)
        _set_session_cookies(response, signed_in)
        return response

    def sign_out(self, visit: PageVisit) -> Response:
        """Sign out: end the browser session and every credential derived from it."""
        caller = visit.caller
        self.sign_ins.sign_out(caller.token, caller.user, caller.request_id)
        response = redirect(f"{SIGN_IN}?out=1")
        delete_cookie(response, SESSION)
        return response

    def _is_signed_in(self, request: BrowserRequest) -> bool:
        try:
            self.sign_ins.find(request.session_cookie)
        except (Unauthenticated, SignInAgain):
            return False
        return True

    def _answer(
        self,
        request: BrowserRequest,
        next_page: str,
        *,
        notice: str = "",
        refusal: PortalError | None = None,
    ) -> Response:
        visit = request.visit_cookie or secrets.token_urlsafe(24)
        page = SignInPage(
            csrf=csrf_token(visit),
            next=next_page,
            host=urlsplit(self.public_url).netloc,
            then=page_title(next_page),
            is_ownerless=not self.has_administrator(),
            username=request.form.get("username")[:_LONGEST_USERNAME],
            wrong="" if refusal is None else refusal.reason,
            notice=notice,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        response = self.pages.show_alone("pages/sign-in.html", page, status, theme=request.preferences.theme)
        if not request.visit_cookie:
            set_cookie(response, VISIT, visit)
        return response


def _set_session_cookies(response: Response, signed_in: SignedIn) -> None:
    set_cookie(response, SESSION, signed_in.cookie.reveal())
    set_cookie(response, DEVICE, signed_in.device.reveal(), DEVICE_LIFETIME)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    pages = SignInPages(
        pages=services.pages,
        confirmations=services.reauthentication,
        sign_ins=services.sign_ins,
        has_administrator=services.users.has_administrator,
        public_url=services.config.public_url,
    )
    endpoints, user = services.page_endpoints(Channel.WEB), services.page_routes(Permission.USER)
    return [
        exact("GET", SIGN_IN, endpoints.open_page(pages.show)),
        exact("POST", SIGN_IN, endpoints.open_form(pages.sign_in)),
        user.page(CONFIRM, pages.show_confirm),
        user.form(CONFIRM, pages.confirm),
        user.form("/sign-out", pages.sign_out),
    ]
