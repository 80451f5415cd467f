"""The page of a recovery link, whose secret is in the fragment of the URL, which browsers never send."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.cookies import RECOVERY, SESSION, VISIT, delete_cookie, set_cookie
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest
from daypass.portal.http.layout.redirects import RECOVERY_PAGE, SIGN_IN, redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.services import Services

_LONGEST_SECRET = 100
_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class RecoveryPage:
    """The data of the page."""

    csrf: str
    host: str


@dataclass(frozen=True, slots=True)
class RecoveryPages:
    """Handlers of the page."""

    pages: PageRenderer
    public_url: str

    def show(self, request: BrowserRequest) -> Response:
        """Show the page, whose script takes the secret from the address."""
        visit = request.visit_cookie or secrets.token_urlsafe(24)
        page = RecoveryPage(csrf_token(visit), urlsplit(self.public_url).netloc)
        response = self.pages.show_alone("pages/recovery.html", page, theme=request.preferences.theme)
        if not request.visit_cookie:
            set_cookie(response, VISIT, visit)
        return response

    def accept(self, request: BrowserRequest) -> Response:
        """Keep the secret for the next sign-in, which checks it, and lead there."""
        response = redirect(SIGN_IN)
        # Cut, because browsers drop a cookie that is too long, and an older one would stay in its place.
        set_cookie(response, RECOVERY, request.form.get("secret")[:_LONGEST_SECRET], _LIFETIME)
        # A user who is signed in would be led past the sign-in.
        delete_cookie(response, SESSION)
        return response


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    pages = RecoveryPages(services.pages, services.config.public_url)
    endpoints = services.page_endpoints(Channel.WEB)
    return [
        exact("GET", RECOVERY_PAGE, endpoints.open_page(pages.show)),
        exact("POST", RECOVERY_PAGE, endpoints.open_form(pages.accept)),
    ]
