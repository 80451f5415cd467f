"""Which door a request belongs to."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from daypass.portal.http.core.problems import Absence, ErrorRenderer, handlers, nothing_here


def make_door(routes: list[BaseRoute], form: ErrorRenderer, absence: Absence = nothing_here) -> Starlette:
    """Some routes, the form in which they refuse, and what they say of other paths."""
    door = Starlette(routes=routes, exception_handlers=handlers(form, absence))
    # An API answers what it was asked; it never sends anybody elsewhere.
    door.router.redirect_slashes = False
    return door


class Dispatcher:
    """Sends each request to the door whose paths it begins with, in any case; the rest to *otherwise*."""

    def __init__(self, doors: Mapping[str, Starlette], otherwise: Starlette) -> None:
        self._doors = tuple(doors.items())
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].lower()
        door = next((door for prefix, door in self._doors if path.startswith(prefix)), self._otherwise)
        await door(scope, receive, send)
