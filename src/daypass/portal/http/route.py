"""Routes that take the methods they declare, and no other."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]


def exact(method: str, path: str, endpoint: Endpoint, *, ignore_case: bool = False) -> Route:
    """A route for one method; Starlette alone would let HEAD in wherever GET may."""
    route = Route(path, endpoint, methods=[method])
    route.methods = {method}
    if ignore_case:
        route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route
