"""Reauthentication with a passkey."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import RateLimited, RequestExpired, SignInFailed, TooManyAttempts
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.reauthentication import DeferredForm, Reauthentication
from daypass.portal.http.layout.redirects import CONFIRM, redirect, safe_path
from daypass.portal.http.pages.passkeys.own import ceremony_json
from daypass.portal.http.pages.providers.redirects import context_of
from daypass.portal.http.pages.session_cookies import set_session_cookies
from daypass.portal.http.services import Services
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.passkeys.service import Passkeys
from daypass.portal.identity.sign_in_count import count_sign_in

PASSKEY_CONFIRM = f"{CONFIRM}/passkey"
"""The path that takes a passkey as a confirmation."""


@dataclass(frozen=True, slots=True)
class PasskeyConfirmations:
    """Handlers of the passkey form of the page *Confirm your identity*."""

    confirmations: Reauthentication
    passkeys: Passkeys
    browser_sessions: BrowserSessions

    def begin(self, visit: PageVisit) -> Response:
        """Return the options for showing a passkey as JSON."""
        caller = visit.caller
        begun = self.passkeys.begin_reauthentication(caller.token, caller.user, caller.request_id)
        return ceremony_json(begun)

    def confirm(self, visit: PageVisit) -> Response:
        """Check the passkey, then redirect back or show the deferred form for submission."""
        caller, form, context = visit.caller, visit.form, context_of(visit)
        back, theme = safe_path(form.raw("next")), visit.layout.theme
        waiting = DeferredForm.from_signed(form, visit.session_cookie)
        # A session of a provider that the operator removed is never made recent again.
        self.confirmations.providers.for_session(caller.token)
        try:
            with count_sign_in("passkey", "reauthenticate"):
                proven = self.passkeys.prove_again(
                    caller.token, caller.user, form.raw("handle"), form.raw("answer"), context
                )
                signed_in = self.browser_sessions.reauthenticate(caller.token, proven, context)
        except (SignInFailed, TooManyAttempts, RateLimited, RequestExpired) as refusal:
            return self.confirmations.ask(
                caller,
                visit.session_cookie,
                theme,
                back,
                waiting=waiting,
                refusal=refusal,
                error=refusal.reason,
            )
        if waiting is None:
            notice = "Identity confirmed. Nothing was done yet: repeat your last step."
            response = redirect(back, notice)
        else:
            response = self.confirmations.again(waiting, signed_in.cookie.reveal(), theme, back)
        set_session_cookies(response, signed_in)
        return response


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    confirmations = PasskeyConfirmations(
        services.reauthentication, services.passkeys, services.browser_sessions
    )
    user = services.page_routes(Permission.USER)
    return [
        user.form(f"{PASSKEY_CONFIRM}/options", confirmations.begin),
        user.form(PASSKEY_CONFIRM, confirmations.confirm),
    ]
