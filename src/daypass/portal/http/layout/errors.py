"""What a page says when it cannot be shown: what happened, in a sentence, and what to do next."""

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
    HTTPStatus.BAD_REQUEST: "That could not be read",
    HTTPStatus.FORBIDDEN: "This is not open to you",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That is too much",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That cannot be done like this",
    HTTPStatus.TOO_MANY_REQUESTS: "That was too often",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here",
    HTTPStatus.BAD_GATEWAY: "AWS said no",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not just now",
}
_REMEDIES = {
    HTTPStatus.FORBIDDEN: "If you need it, ask an Administrator of this portal.",
    HTTPStatus.NOT_FOUND: "The address may be mistyped, or what was here is gone or not yours to see.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Try again. If it stays like this, give your operator the request id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing was changed and nothing was handed out. Try again in a moment.",
}


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """What the page of a refusal shows."""

    title: str
    reason: str
    remedy: str
    request_id: str
    home: str
    again: str
    """Where trying again is worth something; empty where it is not."""


@dataclass(frozen=True, slots=True)
class RefusalForm:
    """The form in which doors with pages refuse: a page for people, JSON for script and programs."""

    pages: PageRenderer
    origin: str

    def __call__(self, refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
        """The answer."""
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
        if was_signed_in:
            delete_cookie(response, SESSION)
        return response

    def _here(self, request: Request) -> str:
        """The page that a person is on: what was asked for, or where the form stood."""
        if request.method in {"GET", "HEAD"}:
            return safe_path(f"{request.url.path}?{request.url.query}".removesuffix("?"))
        return referring_path(request.headers.get("referer", ""), self.origin)
