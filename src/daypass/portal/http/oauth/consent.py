"""The page on which a person lets the command line in, or does not; and what they see afterwards."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, ConsentTooFast, RequestExpired
from daypass.portal.http.layout.csrf import check_token, csrf_token
from daypass.portal.http.layout.endpoints import AnonymousRequest, PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.oauth.endpoints import AUTHORIZE, request_id_of
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import GRANT_LIFE, AuthorizationRequest, Loopback, RequestId

_SHOWN_NAME = 32


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """What the consent shows, and what its form carries."""

    request: AuthorizationRequest
    csrf: str
    consent: str
    username: str
    address: str
    """Where this browser is, as the portal sees it."""
    now: datetime
    ends_at: datetime
    action: str
    refusal: str = ""
    """Why it cannot be agreed to."""
    hint: str = ""
    """What went wrong with the last answer."""

    @property
    def application(self) -> str:
        """What the application calls itself, cut to what fits."""
        return self.request.wish.client_id[:_SHOWN_NAME]

    @property
    def port(self) -> int:
        """Where the answer goes on the person's computer; 0 where it is shown to them instead."""
        destination = self.request.wish.destination
        return destination.port if isinstance(destination, Loopback) else 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether the request came from another address than this browser."""
        return self.request.wish.address != self.address


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """What the page afterwards shows: the code to paste, that all is done, or that nothing was."""

    code: str = ""
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class ConsentPages:
    """The consent, its answer, and what one sees afterwards."""

    pages: PageRenderer
    consents: AuthorizationRequests
    clock: Clock
    issuer: str

    def show(self, visit: PageVisit) -> Response:
        """What is asked for. Looking at it hands over nothing."""
        request_id = request_id_of(visit.query.get("request_uri", ""))
        try:
            request = self.consents.show(
                request_id, visit.caller.token, visit.caller.user, visit.caller.request_id
            )
        except RequestExpired as over:
            return self._over(visit, over.reason)
        if request.wish.client_id != visit.query.get("client_id"):
            return self._over(visit, "This request is another application's. Run the command again.")
        try:
            self.consents.check_person(request, visit.caller.token, visit.caller.user)
        except AccessDenied as refusal:
            return self._consent(visit, request, HTTPStatus.FORBIDDEN, refusal=refusal.reason)
        return self._consent(visit, request)

    def answer(self, visit: PageVisit) -> Response:
        """Do what the person said; the code goes to their own computer, or before their eyes, once."""
        form, caller = visit.form, visit.caller
        request_id = RequestId(form.raw("request"))
        check_token(visit.cookie, form.raw("consent"), _purpose(request_id))
        is_by_script = form.raw("by") == "script"
        try:
            if form.raw("answer") not in ("authorize", "paste"):
                request = self.consents.deny(request_id, caller.token, caller.user, caller.request_id)
                return self._denied(visit, request, is_by_script=is_by_script)
            approved = self.consents.approve(request_id, caller.token, caller.user, caller.request_id)
        except RequestExpired as over:
            if is_by_script:
                raise
            return self._over(visit, over.reason)
        except ConsentTooFast as hint:
            if is_by_script:
                raise
            request = self.consents.show(request_id, caller.token, caller.user)
            return self._consent(visit, request, HTTPStatus.CONFLICT, hint=hint.reason)
        code, destination = approved.code.reveal(), approved.request.wish.destination
        # Without script a form cannot lead to another origin, so the person carries the code over.
        if is_by_script and form.raw("answer") == "authorize" and isinstance(destination, Loopback):
            return self._redirect(approved.request, destination, code=code)
        return self._outcome(visit, OutcomePage(code=code))

    def done(self, stranger: AnonymousRequest) -> Response:
        """That the terminal goes on."""
        return self.pages.show_alone("oauth/outcome.html", OutcomePage(), theme=stranger.preferences.theme)

    def _denied(self, visit: PageVisit, request: AuthorizationRequest, *, is_by_script: bool) -> Response:
        destination = request.wish.destination
        if is_by_script and isinstance(destination, Loopback):
            return self._redirect(request, destination, error="access_denied")
        return self._outcome(visit, OutcomePage(is_denied=True))

    def _redirect(self, request: AuthorizationRequest, to: Loopback, **answer: str) -> Response:
        query = urlencode({**answer, "state": request.wish.state, "iss": self.issuer})
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
            csrf=visit.frame.csrf,
            consent=csrf_token(visit.cookie, _purpose(request.id)),
            username=visit.caller.user.username,
            address=visit.caller.address,
            now=now,
            ends_at=now + GRANT_LIFE,
            action=AUTHORIZE,
            refusal=refusal,
            hint=hint,
        )
        return self.pages.show_alone("oauth/consent.html", page, status, theme=visit.frame.theme)

    def _outcome(self, visit: PageVisit, page: OutcomePage) -> Response:
        return self.pages.show_alone("oauth/outcome.html", page, theme=visit.frame.theme)

    def _over(self, visit: PageVisit, reason: str) -> Response:
        return self.pages.show_alone(
            "oauth/over.html", OverPage(reason), HTTPStatus.GONE, theme=visit.frame.theme
        )


@dataclass(frozen=True, slots=True)
class OverPage:
    """What is shown of a request that nobody can answer any more."""

    reason: str


def _purpose(request_id: RequestId) -> str:
    """What a consent is for, so that it is good for nothing else."""
    return f"oauth consent {request_id}"
