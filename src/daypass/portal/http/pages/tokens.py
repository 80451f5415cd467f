"""The user's own API tokens and active credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.pages.profile import ProfilePages
from daypass.portal.http.services import Services
from daypass.portal.identity.model import TokenId
from daypass.portal.identity.personal_tokens import PersonalTokens


@dataclass(frozen=True, slots=True)
class TokenPages:
    """Handlers of the token forms of the profile."""

    own: PersonalTokens
    profile: ProfilePages

    def show_temporary(self, visit: PageVisit) -> Response:
        """Return a temporary token, which expires with this session, as JSON."""
        caller = visit.caller
        secret, token = self.own.reveal_temporary(
            caller.token, caller.user, address=caller.address, request_id=caller.request_id
        )
        return JSONResponse({"secrets": {"token": secret.reveal()}, "until": token.expires_at.isoformat()})

    def add_permanent(self, visit: PageVisit) -> Response:
        """Create a permanent token, and show it once on the answering page."""
        caller = visit.caller
        try:
            secret, token = self.own.add_permanent(
                caller.token, caller.user, visit.form.get("name"), request_id=caller.request_id
            )
        except InvalidRequest as refusal:
            return self.profile.show_with(visit, HTTPStatus.UNPROCESSABLE_ENTITY, error=refusal.reason)
        # The page itself answers the form, without a redirect, because the secret would have to be kept until
        # the next request.
        return self.profile.show_with(visit, HTTPStatus.CREATED, created=(token, secret.reveal()))

    def revoke(self, visit: PageVisit) -> Response:
        """Revoke one of the user's own tokens; another user's token is ignored silently."""
        caller = visit.caller
        self.own.revoke(caller.user, TokenId(visit.form.get("id")), request_id=caller.request_id)
        return redirect("/profile", "Access revoked.")


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    tokens = TokenPages(PersonalTokens(services.identity), ProfilePages.of(services))
    user = services.page_routes(Permission.USER)
    return [
        user.form("/tokens", tokens.add_permanent),
        user.form("/tokens/temporary", tokens.show_temporary),
        user.form("/tokens/revoke", tokens.revoke),
    ]
