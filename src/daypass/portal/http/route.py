"""Routes that take the methods they declare, and no other, from those they declare."""

import re
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daypass.portal.http.administrative_routes import check_route
from daypass.portal.http.caller import Permission


class Endpoint(Protocol):
    """What answers a request, and what it asks of its caller."""

    @property
    def permission(self) -> Permission:
        """Who may come in."""

    async def __call__(self, request: Request, /) -> Response:
        """Answer a request, or raise the refusal."""


class ExactRoute(Route):
    """A route for one method; Starlette alone would let HEAD in wherever GET may."""

    def __init__(self, method: str, path: str, endpoint: Endpoint) -> None:
        # Bound, because Starlette takes any other object that can be called for a whole application.
        super().__init__(path, endpoint.__call__, methods=[method])
        self.methods = {method}
        self.permission = endpoint.permission


def exact(method: str, path: str, endpoint: Endpoint, *, ignore_case: bool = False) -> ExactRoute:
    """A route for one method and one path, in any case where the clients are not sure of it.

    Raises `LookupError` for an administrative action for which nobody decided what it needs.
    """
    if endpoint.permission is Permission.ADMINISTRATOR:
        check_route(method, path)
    route = ExactRoute(method, path, endpoint)
    if ignore_case:
        route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route
