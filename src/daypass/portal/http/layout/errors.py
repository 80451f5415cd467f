"""Error pages: what happened, why, and what to do next."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from daypass.portal.errors import PortalError, ReauthenticationRequired, SignInAgain, Unauthenticated
from daypass.portal.http.core.problems import REQUEST_ID, problem
from daypass.portal.http.layout.cookies import SESSION, Preferences, delete_cookie
from daypass.portal.http.layout.forms import wants_page
from daypass.portal.http.layout.redirects import CONFIRM, HOME, SIGN_IN, login_url, referring_path, safe_path
from daypass.portal.http.layout.rendering import PageRenderer

_TITLES = {
    HTTPStatus.BAD_REQUEST: "Bad request",
    HTTPStatus.FORBIDDEN: "Access denied",
    HTTPStatus.NOT_FOUND: "Not found",
    # A browser gets here by opening the address of a form, and there is no page at that address.
    HTTPStatus.METHOD_NOT_ALLOWED: "Not found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid request",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.BAD_GATEWAY: "AWS refused the request",
    HTTPStatus.SERVICE_UNAVAILABLE: "Temporarily unavailable",
}
_REMEDIES = {
    HTTPStatus.FORBIDDEN: "If you need access, ask an Administrator of this portal.",
    HTTPStatus.NOT_FOUND: "The address may be wrong, the page deleted, or not accessible to you.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Try again. If the error persists, give your operator the request id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No change was made and no credentials were issued. Try again later.",
}


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """The data of an error page."""

    title: str
    reason: str
    remedy: str
    request_id: str
    home: str
    again: str
    """The address of **Try again**; empty if a retry cannot help."""


@dataclass(frozen=True, slots=True)
class ErrorPages:
    """Answers a `PortalError`: with a page for browsers, with problem JSON for scripts and programs."""

    pages: PageRenderer
    origin: str

    def __call__(self, refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
        """Answer *request* with *refusal*; if sign-in or reauthentication is required, redirect to it."""
        if not wants_page(request):
            return problem(refusal, status, request)
        if isinstance(refusal, Unauthenticated | SignInAgain):
            return self._sign_in(request)
        if isinstance(refusal, ReauthenticationRequired):
            return RedirectResponse(login_url(CONFIRM, self._here(request)), 303)
        page = RefusalPage(
            title=_TITLES.get(status, status.phrase),
            reason=refusal.reason,
            remedy=_REMEDIES.get(status, ""),
            request_id=request.scope[REQUEST_ID],
            home=HOME,
            again=self._here(request) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
        )
        theme = Preferences.of(request.cookies).theme
        return self.pages.show_alone("layout/refusal.html", page, status, theme=theme)

    def _sign_in(self, request: Request) -> Response:
        address = login_url(SIGN_IN, self._here(request))
        was_signed_in = SESSION in request.cookies
        if was_signed_in:
            address += f"{'&' if '?' in address else '?'}ended=1"
        response = RedirectResponse(address, 303)
        # The cookie is deleted, so that the page says only once that the session has ended.
        if was_signed_in:
            delete_cookie(response, SESSION)
        return response

    def _here(self, request: Request) -> str:
        """Return the page that the user is on: the requested one, or the one that the form was on."""
        # The address of a form cannot be opened, so after a form the page around it is meant.
        if request.method in {"GET", "HEAD"}:
            return safe_path(f"{request.url.path}?{request.url.query}".removesuffix("?"))
        return referring_path(request.headers.get("referer", ""), self.origin)
