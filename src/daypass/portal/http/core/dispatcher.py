"""Dispatch of requests to the channels by path prefix."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from daypass.portal.http.core.problems import CHANNEL, Absence, ErrorRenderer, handlers, nothing_here


@dataclass(frozen=True, slots=True)
class ChannelApp:
    """An application of a channel, with the path prefixes that it serves."""

    name: str
    """The name of the channel in the metrics and in the log."""
    prefixes: tuple[str, ...]
    """In lower case. The empty prefix is that of every path."""
    app: Starlette

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """All routes of the application."""
        return self.app.routes


def make_channel_app(
    routes: Sequence[BaseRoute], form: ErrorRenderer, absence: Absence = nothing_here
) -> Starlette:
    """Build the application of one channel: its routes, its error format and its answer to unknown paths."""
    app = Starlette(routes=routes, exception_handlers=handlers(form, absence))
    # API clients would follow a redirect to another path and take a page for the answer.
    app.router.redirect_slashes = False
    return app


class Dispatcher:
    """Sends a request to the first application with a prefix of its path, ignoring case.

    The last of *apps* must have the empty prefix.
    """

    def __init__(self, apps: Sequence[ChannelApp]) -> None:
        self._apps = tuple((mounted.prefixes, mounted.name, mounted.app) for mounted in apps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # The legacy clients spell the same paths in different cases.
        path = scope["path"].lower()
        name, app = next((name, app) for prefixes, name, app in self._apps if path.startswith(prefixes))
        scope[CHANNEL] = name
        await app(scope, receive, send)
