"""The provider as an ASGI application."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from daypass.demo.identity_provider.backchannel import BackchannelLogout
from daypass.demo.identity_provider.endpoints import ClientEndpoints
from daypass.demo.identity_provider.grants import Grants
from daypass.demo.identity_provider.pages import ProviderPages, page_templates
from daypass.demo.identity_provider.settings import ProviderSettings
from daypass.demo.identity_provider.tokens import TokenSigner, ensure_key
from daypass.portal.clock import Clock


def make_app(settings: ProviderSettings, clock: Clock) -> ASGIApp:
    """Return the application; creates the private key if there is none."""
    signer = TokenSigner(settings.issuer, settings.client.id, ensure_key(Path(settings.key_file)))
    grants = Grants(clock)
    backchannel = BackchannelLogout(settings, signer, clock)
    endpoints = ClientEndpoints(settings, grants, signer)
    pages = ProviderPages(settings, grants, signer, backchannel, page_templates())
    return OwnHost(Starlette(routes=[*endpoints.routes(), *pages.routes()]), settings)


class OwnHost:
    """Passes requests to the provider's own host name on, and refuses others."""

    def __init__(self, app: ASGIApp, settings: ProviderSettings) -> None:
        self._app = app
        self._host = settings.issuer.removeprefix("http://").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other ASGI scopes, such as websockets, are ignored."""
        if scope["type"] != "http":
            return
        # Otherwise a site could read the answers under its own name (DNS rebinding).
        if dict(scope["headers"]).get(b"host") != self._host:
            misdirected = PlainTextResponse("The provider answers only to its own address.\n", 421)
            await misdirected(scope, receive, send)
            return
        await self._app(scope, receive, send)
