"""Forms that issue AWS access: the console in a new tab, a console URL, and temporary credentials."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from daypass.common.duration_text import format_duration
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import IssuedSession, Purpose, SessionRequest
from daypass.portal.errors import AwsUnavailable
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.duration_text import cap_note, reason
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.layout.time_format import short
from daypass.portal.http.services import Services
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.secret import Secret

LINK_LIFETIME = timedelta(minutes=15)
"""The time for which AWS accepts a console sign-in URL."""

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The data of *Temporary AWS Credentials* as a page of its own, for browsers without script."""

    scope: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    region: str
    expires_at: datetime
    expiration: str
    because: str
    now: datetime


@dataclass(frozen=True, slots=True)
class LinkPage:
    """The data of *Copy AWS Console URL* as a page of its own, for browsers without script."""

    scope: str
    url: str = field(repr=False)
    until: datetime
    because: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """Handlers of the JIT menu. Each takes a form, so that CSRF protection applies."""

    pages: PageRenderer
    issuer: Issuer

    def console(self, visit: PageVisit) -> Response:
        """Redirect to the home page of the AWS console."""
        return self._redirect(visit, _request(visit.form, Purpose.CONSOLE))

    def redirect_to_console(self, visit: PageVisit, scope: Scope, destination: str | None = None) -> Response:
        """Redirect to *destination* in the AWS console; the URL is a secret and appears in no page."""
        return self._redirect(visit, SessionRequest(scope, purpose=Purpose.CONSOLE, destination=destination))

    def _redirect(self, visit: PageVisit, request: SessionRequest) -> Response:
        _, link = self._link(visit, request)
        # 303, so that the browser opens the console by GET. The headers of pages keep the link out of caches,
        # and the address of this page out of the request to AWS.
        return RedirectResponse(link.reveal(), 303, self.pages.headers)

    def console_link(self, visit: PageVisit) -> Response:
        """Return a console sign-in URL."""
        issued, link = self._link(visit, _request(visit.form, Purpose.CONSOLE))
        until = issued.issued_at + LINK_LIFETIME
        if _wants_json(visit):
            return JSONResponse(
                {
                    "secrets": {"console_url": link.reveal()},
                    "until": until.isoformat(),
                    "because": _duration_reason(issued),
                }
            )
        page = LinkPage(_name(issued), link.reveal(), until, _duration_reason(issued), visit.layout.now)
        return self.pages.show_alone("pages/console-url.html", page, theme=visit.layout.theme)

    def credentials(self, visit: PageVisit) -> Response:
        """Return temporary AWS credentials."""
        issued = self.issuer.issue(visit.caller, _request(visit.form, Purpose.KEYS))
        keys = issued.credentials
        secret, token = keys.secret_access_key.reveal(), keys.session_token.reveal()
        # The form of a time in the JSON that AWS tools read from a credential process.
        expiration = f"{issued.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        if _wants_json(visit):
            return JSONResponse(
                {
                    "secrets": {"secret_access_key": secret, "session_token": token},
                    "access_key_id": keys.access_key_id,
                    "region": issued.region,
                    "until": issued.expires_at.isoformat(),
                    "ends": short(issued.expires_at, visit.layout.now),
                    "expiration": expiration,
                    "because": _duration_reason(issued),
                }
            )
        page = KeysPage(
            scope=_name(issued),
            access_key_id=keys.access_key_id,
            secret_access_key=secret,
            session_token=token,
            region=issued.region,
            expires_at=issued.expires_at,
            expiration=expiration,
            because=_duration_reason(issued),
            now=visit.layout.now,
        )
        return self.pages.show_alone("pages/credentials.html", page, theme=visit.layout.theme)

    def _link(self, visit: PageVisit, request: SessionRequest) -> tuple[IssuedSession, Secret]:
        issued = self.issuer.issue(visit.caller, request)
        if issued.console_url is None:
            raise AwsUnavailable("AWS returned no sign-in URL. Try again in a moment.")
        return issued, issued.console_url


def _request(form: Form, purpose: Purpose) -> SessionRequest:
    scope = ADMIN_SCOPE if form.get("scope") == ADMIN else Scope.of_tenant(form.get("tenant"))
    return SessionRequest(scope, purpose=purpose, permission_set=form.get("permission_set") or None)


def _name(issued: IssuedSession) -> str:
    return ADMIN if issued.tenant is None else issued.tenant.name


def _duration_reason(issued: IssuedSession) -> str:
    validity = issued.validity
    why = reason(validity.deciding_limit.source, is_admin=issued.tenant is None)
    return cap_note(validity) or f"{format_duration(validity.duration)}: {why}."


def _wants_json(visit: PageVisit) -> bool:
    return not visit.wants_page


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    access = ConsoleAccess(services.pages, services.issuer)
    user = services.page_routes(Permission.USER)
    return [
        user.form("/console", access.console, calls_aws=True),
        user.form("/console-url", access.console_link, calls_aws=True),
        user.form("/credentials", access.credentials, calls_aws=True),
    ]
