"""The sign-in of the command line (OAuth): endpoints for clients, and consent pages for users."""

from collections.abc import Sequence

from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.oauth import consent, endpoints
from daypass.portal.http.oauth.client_endpoints import oauth_error
from daypass.portal.http.services import Services
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.sealing import Sealing

PAGE_PREFIX = "/oauth/"


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the endpoints and the pages; their errors have different formats."""
    # One object for both, because it keeps the keys that seal the parameters of a pushed request.
    consents = AuthorizationRequests(
        services.database, services.committer, services.clock, Sealing(services.database, services.clock)
    )
    clients = make_channel_app(endpoints.routes(services, consents), oauth_error)
    pages = make_channel_app(consent.routes(services, consents), services.error_pages)
    # The paths of the endpoints are below the prefix of the pages, so the endpoints come first.
    return [ChannelApp("oauth", endpoints.PATHS, clients), ChannelApp("oauth", (PAGE_PREFIX,), pages)]
