"""Dispatch of requests to the channels by path prefix."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from daypass.portal.http.core.problems import Absence, ErrorRenderer, handlers, nothing_here


def make_channel_app(
    routes: list[BaseRoute], form: ErrorRenderer, absence: Absence = nothing_here
) -> Starlette:
    """Build the application of one channel: its routes, its error format and its answer to unknown paths."""
    app = Starlette(routes=routes, exception_handlers=handlers(form, absence))
    # API clients would follow a redirect to another path and take a page for the answer.
    app.router.redirect_slashes = False
    return app


class Dispatcher:
    """Sends a request to the channel whose prefix its path has, ignoring case; others to *otherwise*."""

    def __init__(self, doors: Mapping[str, Starlette], otherwise: Starlette) -> None:
        self._apps = tuple(doors.items())
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].lower()
        app = next((app for prefix, app in self._apps if path.startswith(prefix)), self._otherwise)
        await app(scope, receive, send)
