"""The step of a sign-in after the password: showing a passkey, or registering one."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.errors import (
    InvalidRequest,
    PortalError,
    RateLimited,
    RequestExpired,
    SignInFailed,
    TooManyAttempts,
)
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.cookies import PENDING, VISIT, delete_cookie, set_cookie
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest
from daypass.portal.http.layout.redirects import SIGN_IN, redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.providers.redirects import context_of
from daypass.portal.http.pages.session_cookies import signed_in_redirect
from daypass.portal.http.services import Services
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.passkeys.model import CHALLENGE_LIFETIME, Purpose
from daypass.portal.identity.passkeys.second_factor import PendingSignIn, SecondFactors
from daypass.portal.identity.sign_in_count import count_sign_in
from daypass.portal.secret import Secret

STEP = f"{SIGN_IN}/passkey"
"""The path of the step after the password."""

_REFUSALS = (SignInFailed, TooManyAttempts, RateLimited, RequestExpired, InvalidRequest)


@dataclass(frozen=True, slots=True)
class PasskeyStepPage:
    """The data of the page; *pending* is None after a refusal, when the password is needed again."""

    csrf: str
    host: str
    pending: PendingSignIn | None
    error: str = ""

    @property
    def options(self) -> str:
        """The options for the browser, as JSON."""
        return "" if self.pending is None else json.dumps(self.pending.options)

    @property
    def is_recovery(self) -> bool:
        """Whether the user came with a recovery link."""
        return self.pending is not None and self.pending.purpose is Purpose.RECOVER

    @property
    def registers(self) -> bool:
        """Whether the browser registers a new passkey."""
        return self.pending is not None and self.pending.purpose.registers


@dataclass(frozen=True, slots=True)
class PasskeySteps:
    """Handlers of the step after the password."""

    pages: PageRenderer
    second_factors: SecondFactors
    browser_sessions: BrowserSessions
    public_url: str

    def show(self, request: BrowserRequest) -> Response:
        """Show the step, or lead to the sign-in page if there is no pending sign-in."""
        try:
            pending = self.second_factors.find(request.pending_cookie)
        except (RequestExpired, SignInFailed):
            # The sign-in page and no error: the usual cause is a page that was left open for five minutes.
            return redirect(f"{SIGN_IN}?ended=1")
        return self._answer(request, pending)

    def finish(self, request: BrowserRequest) -> Response:
        """Sign in with the browser's answer, and redirect to the page of the sign-in."""
        form, context = request.form, context_of(request)
        try:
            with count_sign_in("passkey", "sign_in"):
                proven, next_page = self.second_factors.finish(
                    request.pending_cookie,
                    form.raw("answer"),
                    context,
                    name=form.get("name"),
                    recovery=request.recovery_cookie,
                    removes_others=form.has("removes_others"),
                )
                signed_in = self.browser_sessions.start(
                    proven, context, replaces=request.session_cookie or None
                )
        except _REFUSALS as refusal:
            return self._answer(request, None, refusal)
        # Checked again, because the page to return to came from the browser when the sign-in began.
        return signed_in_redirect(safe_path(next_page), signed_in)

    def _answer(
        self, request: BrowserRequest, pending: PendingSignIn | None, refusal: PortalError | None = None
    ) -> Response:
        visit = request.visit_cookie or secrets.token_urlsafe(24)
        page = PasskeyStepPage(
            csrf=csrf_token(visit),
            host=urlsplit(self.public_url).netloc,
            pending=pending,
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        response = self.pages.show_alone(
            "pages/passkey-step.html", page, status, theme=request.preferences.theme
        )
        if not request.visit_cookie:
            set_cookie(response, VISIT, visit)
        if pending is None:
            delete_cookie(response, PENDING)
        return response


def ask_for_passkey(handle: Secret) -> Response:
    """Redirect a user whose password is proved to the step that asks for a passkey."""
    response = redirect(STEP)
    set_cookie(response, PENDING, handle.reveal(), CHALLENGE_LIFETIME)
    return response


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    steps = PasskeySteps(
        services.pages, services.second_factors, services.browser_sessions, services.config.public_url
    )
    endpoints = services.page_endpoints(Channel.WEB)
    return [
        exact("GET", STEP, endpoints.open_page(steps.show)),
        exact("POST", STEP, endpoints.open_form(steps.finish)),
    ]
