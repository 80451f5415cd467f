"""Every address of the command line's sign-in."""

from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import PublicEndpoint
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import PageEndpoints
from daypass.portal.http.oauth.client_endpoints import ClientEndpoints
from daypass.portal.http.oauth.consent import ConsentPages
from daypass.portal.http.oauth.endpoints import AUTHORIZE, METADATA, PAR, REVOKE, TOKEN, Endpoints

MACHINE_PREFIXES = (PAR, TOKEN, REVOKE, METADATA)
"""What begins like this is for applications."""

PAGE_PREFIX = "/oauth/"
DONE = "/oauth/done"


def client_routes(entrance: ClientEndpoints, endpoints: Endpoints) -> list[BaseRoute]:
    """What applications call by themselves."""
    return [
        exact("POST", PAR, entrance.admit(endpoints.push)),
        exact("POST", TOKEN, entrance.admit(endpoints.token)),
        exact("POST", REVOKE, entrance.admit(endpoints.revoke)),
        exact("GET", METADATA, PublicEndpoint(endpoints.metadata)),
    ]


def consent_routes(entrance: PageEndpoints, consent: ConsentPages) -> list[BaseRoute]:
    """What a person sees."""
    return [
        # The first look at a request stores it, and starts the time for which it must be in view.
        exact("GET", AUTHORIZE, entrance.page(Permission.USER, consent.show), has_effects=True),
        exact("POST", AUTHORIZE, entrance.act(Permission.USER, consent.answer)),
        exact("GET", DONE, entrance.open_page(consent.done)),
    ]
