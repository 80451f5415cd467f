"""The legacy API and its page *Local Access Requested*; README.md maps the calls to those of the API."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute

from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.core.problems import message
from daypass.portal.http.legacy import jit, local_access, plans, settings, system, tenants, users
from daypass.portal.http.legacy.absent import absence
from daypass.portal.http.services import Services

PREFIXES = (
    "/adminproxy/",
    "/admin/",
    "/subscriptions/",
    "/v2/",
    "/v3/",
    "/frontdoor/",
    "/build-metadata.json",
)
"""The path prefixes of the legacy API."""

ROUTES: Sequence[Callable[[Services], Sequence[BaseRoute]]] = (
    jit.routes,
    tenants.routes,
    system.routes,
    users.routes,
    settings.routes,
    plans.routes,
)
"""The routes of each module with calls."""


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the API, and the consent page for its clients."""
    routes = [route for of_module in ROUTES for route in of_module(services)]
    return [
        ChannelApp("legacy", PREFIXES, make_channel_app(routes, message, absence)),
        ChannelApp(
            "legacy",
            (local_access.PAGE,),
            make_channel_app(local_access.routes(services), services.error_pages),
        ),
    ]
