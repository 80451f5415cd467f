"""The routes of the command line's sign-in."""

from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import PublicEndpoint
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import PageEndpoints
from daypass.portal.http.oauth.client_endpoints import ClientEndpoints
from daypass.portal.http.oauth.consent import ConsentPages
from daypass.portal.http.oauth.endpoints import AUTHORIZE, METADATA, PAR, REVOKE, TOKEN, Endpoints

MACHINE_PREFIXES = (PAR, TOKEN, REVOKE, METADATA)
"""The path prefixes of the endpoints for clients."""

PAGE_PREFIX = "/oauth/"
DONE = "/oauth/done"


def client_routes(clients: ClientEndpoints, endpoints: Endpoints) -> list[BaseRoute]:
    """Return the routes that clients call directly."""
    return [
        exact("POST", PAR, clients.endpoint(endpoints.push)),
        exact("POST", TOKEN, clients.endpoint(endpoints.token)),
        exact("POST", REVOKE, clients.endpoint(endpoints.revoke)),
        exact("GET", METADATA, PublicEndpoint(endpoints.metadata)),
    ]


def consent_routes(pages: PageEndpoints, consent: ConsentPages) -> list[BaseRoute]:
    """Return the routes of the consent page."""
    return [
        # Unsafe: the first GET stores the request and starts the time for which it must be visible.
        exact("GET", AUTHORIZE, pages.page(Permission.USER, consent.show), has_effects=True),
        exact("POST", AUTHORIZE, pages.form(Permission.USER, consent.answer)),
        exact("GET", DONE, pages.open_page(consent.done)),
    ]
