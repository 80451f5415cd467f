"""A complete portal on a real socket with its own database, for commands that change it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast

from daypass.cli.api.client import Portal
from daypass.cli.auth.session import StaticToken
from tests.portal.http.world import ADMIN, World


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def _answer(self) -> None:
        world = cast("_Server", self.server).world
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        answer = world.client().send(
            self.command,
            path,
            body=self.rfile.read(length),
            headers=list(self.headers.items()),
            query=query,
            is_quoted=True,
        )
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  as the library calls them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's own
        """Suppress the log."""


class _Server(ThreadingHTTPServer):
    world: World

    @property
    def origin(self) -> str:
        """The portal's address, as the command line uses it."""
        return f"http://localhost:{self.server_address[1]}"


@contextmanager
def portal_server() -> Iterator[_Server]:
    """Run a server that forwards requests to the portal in its attribute `world`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def portal_client(world: World, username: str = ADMIN) -> Iterator[Portal]:
    """Return a client of the portal in *world*, authenticated as *username*."""
    with portal_server() as server:
        server.world = world
        yield Portal(server.origin, StaticToken(world.tokens[username]), None)
