"""The addresses of all pages, from the portal's routes, for the browser tests and the screenshots.

A new page is visited without an edit here. A new variable in a path needs an example in `VARIABLES`; a page
that shows something else with a query can have examples in `QUERIES`.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from daypass.portal.app import CHANNELS, page_templates
from daypass.portal.composition import make_services
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.http.layout.endpoints import PageEndpoint
from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from daypass.portal.settings.registry import REGISTRY
from daypass.portal.storage.engine import Database
from tests.fakes import FakeBroker, FakeClock, FakeFinder
from tests.portal.http.world import fake_aws, portal_config

VARIABLES: Mapping[str, str] = {
    "{tenant}": "dev01",
    "{user}": "dana@example.com",
    "{permission_set}": "no-deploy",
    "{account}": "default",
    "{rule}": "shop",
    "{group}": "developers",
}
"""Values of the variables in paths, which exist in every demo."""

_BUCKET = "/go?arn=arn%3Aaws%3As3%3A%3A%3Aduploservices-dev01-reports"

QUERIES: Mapping[str, Sequence[str]] = {
    "/administrator/service-accounts/{user}": ("/administrator/service-accounts/ci@example.com",),
    "/sessions": ("/sessions", "/sessions?state=refused&search=x"),
    "/confirm": ("/confirm?next=/profile",),
    "/go": (_BUCKET, f"{_BUCKET}&tab=Details"),
    LOCAL_ACCESS: (f"{LOCAL_ACCESS}?localAppName=somebody%27s-script&localPort=52417&redirect=true",),
    "/administrator/add-permission-set": (
        "/administrator/add-permission-set",
        "/administrator/add-permission-set?template=data-reader",
    ),
    "/administrator/permission-sets/{permission_set}": (
        "/administrator/permission-sets/no-deploy",
        "/administrator/permission-sets/read-only",
    ),
    "/administrator/groups": ("/administrator/groups", "/administrator/groups?search=nothing-like-it"),
    "/administrator/groups/create": (
        "/administrator/groups/create",
        "/administrator/groups/create?provider=demo",
    ),
    "/administrator/groups/{group}/edit": (
        "/administrator/groups/developers/edit",
        "/administrator/groups/on-call/edit",
    ),
    "/administrator/groups/{group}/members": (
        "/administrator/groups/developers/members",
        "/administrator/groups/on-call/members",
    ),
    "/administrator/groups/{group}/members/{user}/remove": (
        "/administrator/groups/on-call/members/dana@example.com/remove",
    ),
    "/administrator/add-workload-rule": (
        "/administrator/add-workload-rule",
        "/administrator/add-workload-rule?kind=kubernetes",
    ),
    "/administrator/audit": (
        "/administrator/audit",
        "/administrator/audit?action=session.issue&since=2026-01-01",
    ),
    "/administrator/tenants": (
        "/administrator/tenants",
        "/administrator/tenants?search=nothing-like-it",
    ),
    "/administrator/users": (
        "/administrator/users",
        "/administrator/users?search=nobody-like-it&sort=-last_sign_in&kind=service",
    ),
}
"""The addresses to visit instead of the path alone."""

NOT_VISITED: Mapping[str, str] = {
    "/tenant/offers": "answers with JSON",
    "/administrator/audit/{event}": "has no address before the portal runs; tests of the audit log open it",
}
"""Pages without an address to visit, with the reason."""

MORE: Mapping[Permission, Sequence[str]] = {
    Permission.PUBLIC: ("/no-such-page", "/api/docs"),
    Permission.ADMINISTRATOR: (
        f"{LOCAL_ACCESS}?localAppName=duplo-jit&localPort=52417&isAdmin=true&redirect=true",
    ),
}
"""Further addresses by the permission of the user who visits them."""


@cache
def page_routes() -> Sequence[ExactRoute]:
    """Return the routes of all pages that a browser can open: GET without side effects."""
    clock = FakeClock()
    with tempfile.TemporaryDirectory() as folder:
        config = portal_config(f"sqlite:///{folder}/daypass.db")
        database = Database(config.database_url)
        services = make_services(
            config, database, fake_aws(FakeBroker(clock), FakeFinder()), clock, page_templates(), REGISTRY
        )
        routes = [
            route
            for build in CHANNELS
            for channel in build(services)
            for route in channel.routes
            if isinstance(route, ExactRoute) and _is_page(route)
        ]
        services.pools.close()
        services.committer.close()
        database.close()
    return routes


def addresses(*permissions: Permission) -> Sequence[str]:
    """Return the addresses of all pages that require one of *permissions*."""
    return [
        address
        for permission in permissions
        for address in (*_of_routes(permission), *MORE.get(permission, ()))
    ]


def _of_routes(permission: Permission) -> Iterator[str]:
    for route in page_routes():
        if route.permission is permission and route.path not in NOT_VISITED:
            path = route.path
            for variable, value in VARIABLES.items():
                path = path.replace(variable, value)
            yield from QUERIES.get(route.path, (path,))


def _is_page(route: ExactRoute) -> bool:
    endpoint = getattr(route.endpoint, "__self__", None)
    return isinstance(endpoint, PageEndpoint) and "HEAD" in (route.methods or ())
