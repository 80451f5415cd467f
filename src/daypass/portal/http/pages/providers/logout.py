"""Logout at identity providers: by the user here, and by the provider there."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Channel
from daypass.portal.errors import OAuthRefused
from daypass.portal.http.core.authentication import ClientAddresses, Permission
from daypass.portal.http.core.endpoints import read_body
from daypass.portal.http.core.problems import REQUEST_ID
from daypass.portal.http.core.routing import exact
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.http.layout.endpoints import BrowserRequest
from daypass.portal.http.layout.forms import read_form
from daypass.portal.http.layout.redirects import SIGN_IN, redirect
from daypass.portal.http.pages.providers.redirects import sign_in_path
from daypass.portal.http.services import Services
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.logout import ProviderLogout
from daypass.portal.identity.jwt.errors import InvalidToken
from daypass.portal.identity.model import ApiToken
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.registry import IdentityProviders

SIGNED_OUT = f"{SIGN_IN}?out=1"

_FIELD = "logout_token"


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """The data of the page after a sign-out, which goes on to the provider by itself."""

    url: str
    """The address at which the provider ends its session."""
    label: str
    host: str


@dataclass(frozen=True, slots=True)
class LogoutAtProvider:
    """Finds the page at which a provider ends the session that a browser session began with."""

    providers: IdentityProviders
    accounts: ExternalAccounts
    public_url: str

    def page_for(self, token: ApiToken) -> "SignedOutPage | None":
        """Return the page that leads there, or None if the provider has none or is not configured any more.

        It is a page, because the Content Security Policy (form-action) forbids that the answer to the form
        leads to another site.
        """
        provider = next((p for p in self.providers if p.name == token.provider), None)
        if not isinstance(provider, RedirectProvider):
            return None
        url = provider.end_session_url(
            id_token=self.accounts.id_token(token.id),
            return_to=f"{self.public_url}{signed_out_path(provider)}",
            state=secrets.token_urlsafe(16),
        )
        host = urlsplit(self.public_url).netloc
        return None if url is None else SignedOutPage(url, provider.label, host)


class BackchannelEndpoint:
    """The endpoint at which a provider says that sessions ended. Its logout token is the authentication."""

    permission = Permission.PUBLIC

    def __init__(
        self,
        provider: RedirectProvider,
        logout: ProviderLogout,
        addresses: ClientAddresses,
        pool: ThreadPool,
    ) -> None:
        self._provider = provider
        self._logout = logout
        self._addresses = addresses
        self._pool = pool

    async def __call__(self, request: Request) -> Response:
        """Answer 200 if the sessions have ended, also if there were none; 400 for an invalid token."""
        form = read_form(request, await read_body(request))
        sent = form.all(_FIELD)
        # Two tokens would leave open which of them the provider meant.
        if len(sent) != 1:
            raise OAuthRefused("invalid_request", "The form must have the field logout_token once.")
        end = partial(self._end, sent[0], self._addresses.of(request), request.scope[REQUEST_ID])
        return await self._pool.run(end)

    def _end(self, text: str, address: str, request_id: str) -> Response:
        try:
            token = self._provider.logout_token(text)
        except InvalidToken as invalid:
            raise OAuthRefused("invalid_request", f"The logout token is refused: {invalid}") from invalid
        config = self._provider.config
        self._logout.end(config.name, config.issuer, token, address=address, request_id=request_id)
        return Response(headers={"Cache-Control": "no-store"})


def backchannel_path(provider: RedirectProvider) -> str:
    """Return the path to which the provider sends logout tokens."""
    return f"{sign_in_path(provider)}/logout"


def signed_out_path(provider: RedirectProvider) -> str:
    """Return the path to which the provider sends a browser back that it has signed out."""
    return f"{sign_in_path(provider)}/signed-out"


def _show_signed_out(_request: BrowserRequest) -> Response:
    # The provider's parameter `state` needs no check: the page that follows is the same for every visitor.
    return redirect(SIGNED_OUT)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes of each provider's logout."""
    logout = ProviderLogout(services.database, services.committer, services.clock)
    addresses, pool = services.authenticator.addresses, services.pools.providers
    endpoints = services.page_endpoints(Channel.WEB)
    return [
        route
        for provider in services.providers
        if isinstance(provider, RedirectProvider)
        for route in (
            exact("POST", backchannel_path(provider), BackchannelEndpoint(provider, logout, addresses, pool)),
            exact("GET", signed_out_path(provider), endpoints.open_page(_show_signed_out)),
        )
    ]
