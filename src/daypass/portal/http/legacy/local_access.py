"""*Local Access Requested*: a person agrees that a legacy client on their computer gets access.

The clients listen on a port of their own and take the first token that comes. So nothing is handed over but
by a page that the person looked at, and only to 127.0.0.1.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, InvalidRequest
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.cookies import NOTICE, delete_cookie
from daypass.portal.http.layout.csrf import check_token, csrf_token
from daypass.portal.http.layout.endpoints import PageEndpoints, PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.identity.legacy_consent import GRANT, LIFETIME, RECOGNISED, LegacyConsents, shown_name

PAGE = "/app/user/verify-token"
DONE = f"{PAGE}/done"
CANCEL = f"{PAGE}/cancel"
CANCELLED = f"{PAGE}/cancelled"

ARMED_AFTER = timedelta(milliseconds=700)
"""How long the page is looked at before it can be agreed to."""

STALE_AFTER = timedelta(minutes=10)
"""No client waits this long."""

_PORT = re.compile("[1-9][0-9]{3,4}")
_NAMELESS = "unnamed"

# duplo-jit and its kin take a visit without a token for a refusal; duploctl trips over it, and waits on.
_TAKE_NO_FOR_AN_ANSWER = RECOGNISED - {"duploctl"}


@dataclass(frozen=True, slots=True)
class LocalAccessRequest:
    """What an application asks for by the address that it opens."""

    application: str
    port: int
    wants_admin: bool
    takes_navigation: bool
    """Whether the answer may come as a visit; old clients wait for a POST."""

    @property
    def is_recognised(self) -> bool:
        """Whether it calls itself what a known client does."""
        return self.application in RECOGNISED


@dataclass(frozen=True, slots=True)
class LocalAccessPage:
    """What *Local Access Requested* shows."""

    csrf: str
    asked: LocalAccessRequest
    consent: str
    shown_at: int
    username: str
    ends_at: datetime
    grant_ends_at: datetime
    now: datetime
    hears_no: bool
    """Whether the application can be told that nothing comes."""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """What the page afterwards shows."""

    is_done: bool


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """The prompt, its answer, and what one sees afterwards."""

    pages: PageRenderer
    approvals: LegacyConsents
    clock: Clock

    def show(self, visit: PageVisit) -> Response:
        """The prompt. Looking at it hands over nothing, whatever its address says."""
        if visit.query.get("success") == "true":
            return RedirectResponse(DONE, HTTPStatus.SEE_OTHER)
        asked = _asked(
            visit.query.get("localAppName", ""),
            visit.query.get("localPort", ""),
            visit.query.get("isAdmin", ""),
            takes_navigation=visit.query.get("redirect") == "true",
        )
        try:
            self.approvals.check(visit.caller.token, visit.caller.user, wants_admin=asked.wants_admin)
        except AccessDenied as refusal:
            return self._prompt(visit, asked, HTTPStatus.FORBIDDEN, refusal.reason)
        return self._prompt(visit, asked)

    def approve(self, visit: PageVisit) -> Response:
        """Hand a token to the page that was looked at; it alone brings it to the application."""
        form, caller = visit.form, visit.caller
        asked = _asked(form.raw("localAppName"), form.raw("localPort"), form.raw("isAdmin"))
        shown_at = form.raw("shownAt")
        check_token(visit.cookie, form.raw("consent"), _purpose(asked, shown_at))
        looked = self.clock() - datetime.fromtimestamp(int(shown_at) / 1000, UTC)
        if looked < ARMED_AFTER:
            raise InvalidRequest("That was too quick to have been read. Look at what is asked for first.")
        if looked > STALE_AFTER:
            raise InvalidRequest("This was asked too long ago. Start the command once more.")
        secret, _ = self.approvals.approve(
            caller.token,
            caller.user,
            asked.application,
            consent=_purpose(asked, shown_at),
            wants_admin=asked.wants_admin,
            address=caller.address,
            request_id=caller.request_id,
        )
        return JSONResponse({"port": asked.port, "token": secret.reveal()})

    def cancel(self, visit: PageVisit) -> Response:
        """Hand over nothing, on record; the page itself may tell the application so."""
        form, caller = visit.form, visit.caller
        asked = _asked(form.raw("localAppName"), form.raw("localPort"), form.raw("isAdmin"))
        self.approvals.cancel(
            caller.user,
            asked.application,
            wants_admin=asked.wants_admin,
            address=caller.address,
            request_id=caller.request_id,
        )
        return RedirectResponse(CANCELLED, HTTPStatus.SEE_OTHER) if visit.wants_page else JSONResponse({})

    def done(self, visit: PageVisit) -> Response:
        """That the application has what it asked for."""
        page = OutcomePage(is_done=True)
        return self.pages.show_alone("legacy/local-access-outcome.html", page, theme=visit.frame.theme)

    def cancelled(self, visit: PageVisit) -> Response:
        """That it does not."""
        page = OutcomePage(is_done=False)
        return self.pages.show_alone("legacy/local-access-outcome.html", page, theme=visit.frame.theme)

    def _prompt(
        self,
        visit: PageVisit,
        asked: LocalAccessRequest,
        status: HTTPStatus = HTTPStatus.OK,
        refusal: str = "",
    ) -> Response:
        now = self.clock()
        shown_at = int(now.timestamp() * 1000)
        page = LocalAccessPage(
            csrf=visit.frame.csrf,
            asked=asked,
            consent=csrf_token(visit.cookie, _purpose(asked, str(shown_at))),
            shown_at=shown_at,
            username=visit.caller.user.username,
            ends_at=now + LIFETIME,
            grant_ends_at=now + GRANT,
            now=now,
            hears_no=asked.application in _TAKE_NO_FOR_AN_ANSWER,
            refusal=refusal,
        )
        response = self.pages.show_alone("legacy/local-access.html", page, status, theme=visit.frame.theme)
        if visit.frame.notice:
            # It was about how one came here, and nobody wants to read it on the next page.
            delete_cookie(response, NOTICE)
        if not asked.takes_navigation:
            policy = response.headers["Content-Security-Policy"]
            ours, ours_and_theirs = "connect-src 'self'", f"connect-src 'self' http://127.0.0.1:{asked.port}"
            response.headers["Content-Security-Policy"] = policy.replace(ours, ours_and_theirs)
        return response


def local_access_routes(entrance: PageEndpoints, local_access: LocalAccess) -> list[BaseRoute]:
    """The prompt's address is the clients'; the rest are ours."""
    user = Permission.USER
    return [
        exact("GET", PAGE, entrance.page(user, local_access.show)),
        exact("POST", PAGE, entrance.act(user, local_access.approve)),
        exact("POST", CANCEL, entrance.act(user, local_access.cancel)),
        exact("GET", DONE, entrance.page(user, local_access.done)),
        exact("GET", CANCELLED, entrance.page(user, local_access.cancelled)),
    ]


def _asked(name: str, port: str, is_admin: str, *, takes_navigation: bool = True) -> LocalAccessRequest:
    # The digits are ASCII's alone, and what is shown, signed and answered is the number and never the text.
    number = int(port) if _PORT.fullmatch(port) else 0
    if not 1024 <= number <= 65535:
        raise InvalidRequest(
            "The application did not say at which port of this computer it waits. Start it once more."
        )
    return LocalAccessRequest(
        shown_name(name) or _NAMELESS, number, is_admin.lower() == "true", takes_navigation
    )


def _purpose(asked: LocalAccessRequest, shown_at: str) -> str:
    """What a consent is for, so that it is good for nothing else."""
    return json.dumps(["local access", asked.application, asked.port, asked.wants_admin, shown_at])
