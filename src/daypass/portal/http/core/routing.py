"""Routes that take the methods they declare, and no other, from those they declare."""

import re
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from daypass.portal.http.core.administrative_routes import check_route
from daypass.portal.http.core.authentication import Permission


class Endpoint(Protocol):
    """What answers a request, and what it asks of its caller."""

    @property
    def permission(self) -> Permission:
        """Who may come in."""

    async def __call__(self, request: Request, /) -> Response:
        """Answer a request, or raise the refusal."""


class ExactRoute(Route):
    """A route for one method, and for HEAD if that is GET without effects (RFC 9110, 9.2.1 and 9.3.2).

    `RequestMiddleware` leaves out the content of an answer to HEAD.
    """

    def __init__(self, method: str, path: str, endpoint: Endpoint, *, has_effects: bool) -> None:
        # Bound, because Starlette takes any other object that can be called for a whole application.
        super().__init__(path, endpoint.__call__, methods=[method])
        self.method = method
        # Starlette alone would let HEAD in wherever GET may.
        self.methods = {method} if method != "GET" or has_effects else {"GET", "HEAD"}
        self.permission = endpoint.permission

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, but answer HEAD here if GET is answered here."""
        match, child = super().matches(scope)
        if match is Match.PARTIAL and self.method == "GET" and scope["method"] == "HEAD":
            # Or a later route could take it that has a parameter where this path has a word.
            match = Match.FULL
        return match, child


def exact(
    method: str, path: str, endpoint: Endpoint, *, ignore_case: bool = False, has_effects: bool = False
) -> ExactRoute:
    """A route for one method and one path, in any case where the clients are not sure of it.

    *has_effects* marks a GET that hands out access or adds to the audit log: it takes no HEAD. Raises
    `LookupError` for an administrative action for which nobody decided what it needs.
    """
    if endpoint.permission is Permission.ADMINISTRATOR:
        check_route(method, path)
    route = ExactRoute(method, path, endpoint, has_effects=has_effects)
    if ignore_case:
        route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route
