"""The consent page on which the user authorizes the command line, and the pages after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, ConsentTooFast, RequestExpired
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.csrf import check_token, csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest, PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.oauth.endpoints import AUTHORIZE, request_id_of
from daypass.portal.http.services import Services
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import GRANT_LIFE, AuthorizationRequest, Loopback, RequestId

DONE = "/oauth/done"

_MAX_NAME_LENGTH = 32


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """The contents of the consent page and its form."""

    request: AuthorizationRequest
    csrf: str
    consent: str
    username: str
    address: str
    """The address of this browser."""
    now: datetime
    ends_at: datetime
    action: str
    refusal: str = ""
    """The reason why the user cannot authorize the request."""
    hint: str = ""
    """The error of the previous submission."""

    @property
    def application(self) -> str:
        """The client id, truncated for display."""
        return self.request.parameters.client_id[:_MAX_NAME_LENGTH]

    @property
    def port(self) -> int:
        """The loopback port that receives the code; 0 if the code is displayed instead."""
        destination = self.request.parameters.destination
        return destination.port if isinstance(destination, Loopback) else 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether the request came from another address than this browser."""
        return self.request.parameters.address != self.address


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """The contents of the page after the decision: the code to paste, success, or denial."""

    code: str = ""
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class ConsentPages:
    """The handlers of the consent page, the user's decision and the outcome."""

    pages: PageRenderer
    consents: AuthorizationRequests
    clock: Clock
    issuer: str

    def show(self, visit: PageVisit) -> Response:
        """Return the consent page. Opening it never issues a code."""
        request_id = request_id_of(visit.query.get("request_uri", ""))
        try:
            request = self.consents.show(
                request_id, visit.caller.token, visit.caller.user, visit.caller.request_id
            )
        except RequestExpired as expired:
            return self._expired(visit, expired.reason)
        # The page shows the name of the application, so the reference of one must not be opened under the
        # name of another.
        if request.parameters.client_id != visit.query.get("client_id"):
            return self._expired(visit, "This request belongs to another application. Run the command again.")
        try:
            self.consents.check_user(request, visit.caller.token, visit.caller.user)
        except AccessDenied as refusal:
            return self._consent(visit, request, HTTPStatus.FORBIDDEN, refusal=refusal.reason)
        return self._consent(visit, request)

    def answer(self, visit: PageVisit) -> Response:
        """Apply the user's decision. The code is sent to the loopback port, or displayed once."""
        form, caller = visit.form, visit.caller
        request_id = RequestId(form.raw("request"))
        check_token(visit.session_cookie, form.raw("consent"), _purpose(request_id))
        is_by_script = form.raw("by") == "script"
        try:
            # Everything that is not one of the two consents is a denial.
            if form.raw("answer") not in ("authorize", "paste"):
                request = self.consents.deny(request_id, caller.token, caller.user, caller.request_id)
                return self._denied(visit, request, is_by_script=is_by_script)
            approved = self.consents.approve(request_id, caller.token, caller.user, caller.request_id)
        except RequestExpired as expired:
            if is_by_script:
                raise
            return self._expired(visit, expired.reason)
        except ConsentTooFast as hint:
            if is_by_script:
                raise
            request = self.consents.show(request_id, caller.token, caller.user)
            return self._consent(visit, request, HTTPStatus.CONFLICT, hint=hint.reason)
        code, destination = approved.code.reveal(), approved.request.parameters.destination
        # The CSP does not let a form redirect to another origin, so without script the user pastes the code.
        if is_by_script and form.raw("answer") == "authorize" and isinstance(destination, Loopback):
            return self._redirect(approved.request, destination, code=code)
        return self._outcome(visit, OutcomePage(code=code))

    def done(self, request: BrowserRequest) -> Response:
        """Return the page after the sign-in, which sends the user back to the terminal."""
        return self.pages.show_alone("oauth/outcome.html", OutcomePage(), theme=request.preferences.theme)

    def _denied(self, visit: PageVisit, request: AuthorizationRequest, *, is_by_script: bool) -> Response:
        destination = request.parameters.destination
        if is_by_script and isinstance(destination, Loopback):
            return self._redirect(request, destination, error="access_denied")
        return self._outcome(visit, OutcomePage(is_denied=True))

    def _redirect(self, request: AuthorizationRequest, to: Loopback, **answer: str) -> Response:
        # `iss` lets the client reject the answer of another server (RFC 9207).
        query = urlencode({**answer, "state": request.parameters.state, "iss": self.issuer})
        return JSONResponse({"redirect": f"{to.url}?{query}"})

    def _consent(
        self,
        visit: PageVisit,
        request: AuthorizationRequest,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        refusal: str = "",
        hint: str = "",
    ) -> Response:
        now = self.clock()
        page = ConsentPage(
            request=request,
            csrf=visit.layout.csrf,
            consent=csrf_token(visit.session_cookie, _purpose(request.id)),
            username=visit.caller.user.username,
            address=visit.caller.address,
            now=now,
            ends_at=now + GRANT_LIFE,
            action=AUTHORIZE,
            refusal=refusal,
            hint=hint,
        )
        return self.pages.show_alone("oauth/consent.html", page, status, theme=visit.layout.theme)

    def _outcome(self, visit: PageVisit, page: OutcomePage) -> Response:
        return self.pages.show_alone("oauth/outcome.html", page, theme=visit.layout.theme)

    def _expired(self, visit: PageVisit, reason: str) -> Response:
        return self.pages.show_alone(
            "oauth/expired.html", ExpiredPage(reason), HTTPStatus.GONE, theme=visit.layout.theme
        )


@dataclass(frozen=True, slots=True)
class ExpiredPage:
    """The contents of the page for an expired request."""

    reason: str


def _purpose(request_id: RequestId) -> str:
    """Return the purpose that a consent token is bound to."""
    return f"oauth consent {request_id}"


def routes(services: Services, consents: AuthorizationRequests) -> Sequence[BaseRoute]:
    """Return the routes of the consent page."""
    pages = ConsentPages(services.pages, consents, services.clock, services.config.public_url)
    user, endpoints = services.page_routes(Permission.USER), services.page_endpoints(Channel.WEB)
    return [
        # Unsafe: the first GET stores the request and starts the time for which it must be visible.
        user.page(AUTHORIZE, pages.show, has_effects=True),
        user.form(AUTHORIZE, pages.answer),
        exact("GET", DONE, endpoints.open_page(pages.done)),
    ]
