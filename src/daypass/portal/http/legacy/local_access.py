"""*Local Access Requested*: the consent page for a legacy client on the user's computer.

The clients listen on a loopback port and accept the first token they receive. Therefore a token is sent only
by a page that the user has seen, and only to 127.0.0.1.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, InvalidRequest
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.cookies import NOTICE, delete_cookie
from daypass.portal.http.layout.csrf import check_token, csrf_token
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.services import Services
from daypass.portal.identity.legacy_consent import GRANT, LIFETIME, RECOGNISED, LegacyConsents, shown_name
from daypass.portal.identity.scopes import Scopes, consented_scopes

PAGE = "/app/user/verify-token"
DONE = f"{PAGE}/done"
CANCEL = f"{PAGE}/cancel"
CANCELLED = f"{PAGE}/cancelled"

ARMED_AFTER = timedelta(milliseconds=700)
"""The time for which the page must be visible before the user can authorize."""

STALE_AFTER = timedelta(minutes=10)
"""The time after which the page cannot be used: no client waits this long."""

_PORT = re.compile("[1-9][0-9]{3,4}")
_NAMELESS = "unnamed"

# duplo-jit and similar clients treat a request without a token as a refusal; duploctl fails on it.
_ACCEPT_DENIAL = RECOGNISED - {"duploctl"}


@dataclass(frozen=True, slots=True)
class LocalAccessRequest:
    """The request of an application, from the query of the page that it opens."""

    application: str
    port: int
    wants_admin: bool
    takes_navigation: bool
    """Whether the token may be sent by navigation (GET); old clients wait for a POST."""

    @property
    def scopes(self) -> Scopes:
        """The scopes that the user is asked to consent to."""
        return consented_scopes(with_admin=self.wants_admin)

    @property
    def is_recognised(self) -> bool:
        """Whether the name of the application is that of a known client."""
        return self.application in RECOGNISED


@dataclass(frozen=True, slots=True)
class LocalAccessPage:
    """The contents of the consent page."""

    csrf: str
    request: LocalAccessRequest
    consent: str
    shown_at: int
    username: str
    ends_at: datetime
    grant_ends_at: datetime
    now: datetime
    accepts_denial: bool
    """Whether the application understands that the user denied access."""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """The contents of the page after the decision."""

    is_done: bool


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """The handlers of the consent page, the user's decision and the outcome."""

    pages: PageRenderer
    approvals: LegacyConsents
    clock: Clock

    def show(self, visit: PageVisit) -> Response:
        """Return the consent page. Opening it never issues a token."""
        if visit.query.get("success") == "true":
            return RedirectResponse(DONE, HTTPStatus.SEE_OTHER)
        request = _read_request(
            visit.query.get("localAppName", ""),
            visit.query.get("localPort", ""),
            visit.query.get("isAdmin", ""),
            takes_navigation=visit.query.get("redirect") == "true",
        )
        try:
            self.approvals.check(visit.caller.token, visit.caller.user, scopes=request.scopes)
        except AccessDenied as refusal:
            return self._prompt(visit, request, HTTPStatus.FORBIDDEN, refusal.reason)
        return self._prompt(visit, request)

    def approve(self, visit: PageVisit) -> Response:
        """Issue a token to the consent page, whose script sends it to the application."""
        form, caller = visit.form, visit.caller
        request = _read_request(form.raw("localAppName"), form.raw("localPort"), form.raw("isAdmin"))
        shown_at = form.raw("shownAt")
        check_token(visit.session_cookie, form.raw("consent"), _purpose(request, shown_at))
        # The token that was just checked covers the time, so this is the number that the page was rendered
        # with.
        visible_for = self.clock() - datetime.fromtimestamp(int(shown_at) / 1000, UTC)
        if visible_for < ARMED_AFTER:
            raise InvalidRequest("You authorized too quickly. Review the request, then authorize it.")
        if visible_for > STALE_AFTER:
            raise InvalidRequest("This request has expired. Run the command again.")
        secret, _ = self.approvals.approve(
            caller.token,
            caller.user,
            request.application,
            consent=_purpose(request, shown_at),
            scopes=request.scopes,
            address=caller.address,
            request_id=caller.request_id,
        )
        return JSONResponse({"port": request.port, "token": secret.reveal()})

    def cancel(self, visit: PageVisit) -> Response:
        """Audit the denial; the page's script may report it to the application."""
        form, caller = visit.form, visit.caller
        request = _read_request(form.raw("localAppName"), form.raw("localPort"), form.raw("isAdmin"))
        self.approvals.cancel(
            caller.user,
            request.application,
            scopes=request.scopes,
            address=caller.address,
            request_id=caller.request_id,
        )
        # The script needs no page, because it leads the browser to the client's port.
        return RedirectResponse(CANCELLED, HTTPStatus.SEE_OTHER) if visit.wants_page else JSONResponse({})

    def done(self, visit: PageVisit) -> Response:
        """Return the page after the access was authorized."""
        page = OutcomePage(is_done=True)
        return self.pages.show_alone("legacy/local-access-outcome.html", page, theme=visit.layout.theme)

    def cancelled(self, visit: PageVisit) -> Response:
        """Return the page after the access was denied."""
        page = OutcomePage(is_done=False)
        return self.pages.show_alone("legacy/local-access-outcome.html", page, theme=visit.layout.theme)

    def _prompt(
        self,
        visit: PageVisit,
        request: LocalAccessRequest,
        status: HTTPStatus = HTTPStatus.OK,
        refusal: str = "",
    ) -> Response:
        now = self.clock()
        shown_at = int(now.timestamp() * 1000)
        page = LocalAccessPage(
            csrf=visit.layout.csrf,
            request=request,
            consent=csrf_token(visit.session_cookie, _purpose(request, str(shown_at))),
            shown_at=shown_at,
            username=visit.caller.user.username,
            ends_at=now + LIFETIME,
            grant_ends_at=now + GRANT,
            now=now,
            accepts_denial=request.application in _ACCEPT_DENIAL,
            refusal=refusal,
        )
        response = self.pages.show_alone("legacy/local-access.html", page, status, theme=visit.layout.theme)
        if visit.layout.notice:
            # The notice, such as after a sign-in, was for this page, which does not show it.
            delete_cookie(response, NOTICE)
        if not request.takes_navigation:
            policy = response.headers["Content-Security-Policy"]
            # Only the page for an old client sends the token by a request of its script, and only to the port
            # that was shown.
            without_loopback, with_loopback = (
                "connect-src 'self'",
                f"connect-src 'self' http://127.0.0.1:{request.port}",
            )
            response.headers["Content-Security-Policy"] = policy.replace(without_loopback, with_loopback)
        return response


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes; the legacy clients define the path of the consent page."""
    consents = LegacyConsents(services.identity, services.config.legacy_loopback)
    local_access = LocalAccess(services.pages, consents, services.clock)
    user = services.page_routes(Permission.USER, Channel.LEGACY)
    return [
        user.page(PAGE, local_access.show),
        user.form(PAGE, local_access.approve),
        user.form(CANCEL, local_access.cancel),
        user.page(DONE, local_access.done),
        user.page(CANCELLED, local_access.cancelled),
    ]


def _read_request(
    name: str, port: str, is_admin: str, *, takes_navigation: bool = True
) -> LocalAccessRequest:
    # ASCII digits only. The page, the signature and the answer use the number, never the text.
    number = int(port) if _PORT.fullmatch(port) else 0
    if not 1024 <= number <= 65535:
        raise InvalidRequest("The application sent no valid port to answer to. Run the command again.")
    return LocalAccessRequest(
        shown_name(name) or _NAMELESS, number, is_admin.lower() == "true", takes_navigation
    )


def _purpose(request: LocalAccessRequest, shown_at: str) -> str:
    """Return the purpose that a consent token is bound to."""
    # In JSON no two requests have the same text, whatever characters the name of the application has.
    return json.dumps(["local access", request.application, request.port, request.wants_admin, shown_at])
