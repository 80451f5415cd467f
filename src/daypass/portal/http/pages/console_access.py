"""The ways into AWS: the console in a new tab, a link to it, and keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import JSONResponse, RedirectResponse, Response

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import AdminScope, Ask, Issuance, Purpose, Scope, TenantScope
from daypass.portal.errors import AwsUnavailable
from daypass.portal.http.core.duration_text import cap_note, reason, written
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.layout.time_format import short
from daypass.portal.secret import Secret

LINK_LIFETIME = timedelta(minutes=15)
"""How long AWS takes a sign-in link for."""

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeysPage:
    """What *Temporary AWS Credentials* shows as a page of its own, for whoever has no script."""

    scope: str
    access_key_id: str
    secret_access_key: str
    session_token: str
    region: str
    expires_at: datetime
    expiration: str
    because: str
    now: datetime


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What *Copy AWS Console URL* shows as a page of its own, for whoever has no script."""

    scope: str
    url: str
    until: datetime
    because: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """Issues what the menu offers. Each is a form of ours, so that no other site can ask for it."""

    pages: PageRenderer
    issuer: Issuer

    def console(self, visit: PageVisit) -> Response:
        """Lead to the AWS console's home page."""
        return self.lead(visit, _scope(visit.form))

    def lead(self, visit: PageVisit, scope: Scope, destination: str | None = None) -> Response:
        """Lead into the AWS console; the address of where to is a secret, and is in no page."""
        _, link = self._link(visit, scope, destination)
        return RedirectResponse(link.reveal(), 303, self.pages.headers)

    def console_link(self, visit: PageVisit) -> Response:
        """A link to the AWS console."""
        issuance, link = self._link(visit, _scope(visit.form))
        until = issuance.issued_at + LINK_LIFETIME
        if _is_script(visit):
            return JSONResponse(
                {
                    "secrets": {"console_url": link.reveal()},
                    "until": until.isoformat(),
                    "because": _because(issuance),
                }
            )
        page = LinkPage(_name(issuance), link.reveal(), until, _because(issuance), visit.frame.now)
        return self.pages.show_alone("pages/console-url.html", page, theme=visit.frame.theme)

    def credentials(self, visit: PageVisit) -> Response:
        """Keys."""
        issuance = self.issuer.issue(visit.caller, Ask(_scope(visit.form), purpose=Purpose.KEYS))
        keys = issuance.credentials
        secret, token = keys.secret_access_key.reveal(), keys.session_token.reveal()
        expiration = f"{issuance.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        if _is_script(visit):
            return JSONResponse(
                {
                    "secrets": {"secret_access_key": secret, "session_token": token},
                    "access_key_id": keys.access_key_id,
                    "region": issuance.region,
                    "until": issuance.expires_at.isoformat(),
                    "ends": short(issuance.expires_at, visit.frame.now),
                    "expiration": expiration,
                    "because": _because(issuance),
                }
            )
        page = KeysPage(
            scope=_name(issuance),
            access_key_id=keys.access_key_id,
            secret_access_key=secret,
            session_token=token,
            region=issuance.region,
            expires_at=issuance.expires_at,
            expiration=expiration,
            because=_because(issuance),
            now=visit.frame.now,
        )
        return self.pages.show_alone("pages/credentials.html", page, theme=visit.frame.theme)

    def _link(
        self, visit: PageVisit, scope: Scope, destination: str | None = None
    ) -> tuple[Issuance, Secret]:
        ask = Ask(scope, purpose=Purpose.CONSOLE, destination=destination)
        issuance = self.issuer.issue(visit.caller, ask)
        if issuance.console_url is None:
            raise AwsUnavailable("AWS made no sign-in link. Try again in a moment.")
        return issuance, issuance.console_url


def _scope(form: Form) -> Scope:
    return AdminScope() if form.get("scope") == ADMIN else TenantScope(form.get("tenant"))


def _name(issuance: Issuance) -> str:
    return ADMIN if issuance.tenant is None else issuance.tenant.name


def _because(issuance: Issuance) -> str:
    validity = issuance.validity
    why = reason(validity.decided.source, is_admin=issuance.tenant is None)
    return cap_note(validity) or f"{written(validity.length)}: {why}."


def _is_script(visit: PageVisit) -> bool:
    return not visit.wants_page
