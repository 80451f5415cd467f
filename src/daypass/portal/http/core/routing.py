"""Routes that declare one method and one permission each."""

import re
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from daypass.portal.http.core.administrative_routes import check_route
from daypass.portal.http.core.authentication import Permission


class Endpoint(Protocol):
    """A callable that answers requests and declares the permission it requires."""

    @property
    def permission(self) -> Permission:
        """The permission that a caller needs."""

    async def __call__(self, request: Request, /) -> Response:
        """Answer a request, or raise a `PortalError`."""


class ExactRoute(Route):
    """A route for one method, and for HEAD if the method is a safe GET (RFC 9110, 9.2.1 and 9.3.2).

    `RequestMiddleware` removes the content of an answer to HEAD.
    """

    def __init__(self, method: str, path: str, endpoint: Endpoint, *, has_effects: bool) -> None:
        # The bound method, because Starlette treats any other callable object as an ASGI application.
        super().__init__(path, endpoint.__call__, methods=[method])
        self.method = method
        # Starlette by itself adds HEAD to every GET route.
        self.methods = {method} if method != "GET" or has_effects else {"GET", "HEAD"}
        self.permission = endpoint.permission

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, but take HEAD of an unsafe GET as a full match."""
        match, child = super().matches(scope)
        if match is Match.PARTIAL and self.method == "GET" and scope["method"] == "HEAD":
            # A partial match would fall through to a later route with a parameter in this place.
            match = Match.FULL
        return match, child


def exact(
    method: str, path: str, endpoint: Endpoint, *, ignore_case: bool = False, has_effects: bool = False
) -> ExactRoute:
    """Return a route for one method and one path; *ignore_case* is for the paths of legacy clients.

    *has_effects* marks a GET that issues access or adds to the audit log: it does not take HEAD. Raises
    `LookupError` for an administrative route that is missing in the table of administrative actions.
    """
    if endpoint.permission is Permission.ADMINISTRATOR:
        check_route(method, path)
    route = ExactRoute(method, path, endpoint, has_effects=has_effects)
    # Starlette's routes are always sensitive to case, and their pattern is compiled by the constructor.
    if ignore_case:
        route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route
