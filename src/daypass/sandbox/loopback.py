"""An HTTP server for one process and one port of 127.0.0.1, on a socket that the caller has bound."""

import asyncio
import signal
import socket
from collections.abc import Callable

from granian.constants import Interfaces
from granian.net import SocketHolder  # type: ignore[attr-defined]  # granian names it only where it takes it from
from granian.server.embed import Server
from starlette.types import ASGIApp

_BACKLOG = 512


def bind(port: int) -> socket.socket:
    """Return a listener socket on 127.0.0.1; port 0 means any free port. Raises `OSError` if it is taken."""
    return socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)


class _OwnSocketServer(Server):
    """A granian server on an already bound socket, so that no other process can take the chosen port."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        host, port = listener.getsockname()
        # ASGINL is ASGI without lifespan events, at which MiniStack would start listeners and reapers.
        super().__init__(app, host, port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)

    def _init_shared_socket(self) -> None:
        # granian would bind a socket of its own here. Its event loop needs sockets that do not block.
        self._listener.setblocking(False)
        self._ssp = None
        # Detached, because granian closes the descriptor, which Python would close a second time.
        descriptor = self._listener.detach()
        self._shd = SocketHolder(descriptor, False, _BACKLOG)  # type: ignore[call-arg, assignment]  # in no stub


def serve_app(
    make_app: Callable[[], ASGIApp],
    listener: socket.socket,
    on_ready: Callable[[], None],
    before_serving: Callable[[], None] = lambda: None,
) -> None:
    """Serve on *listener*, and own it, until SIGINT or SIGTERM.

    Calls *before_serving* when server and event loop have their sockets, and *on_ready* when it serves.
    """
    asyncio.run(_serve(make_app, listener, on_ready, before_serving))


async def _serve(
    make_app: Callable[[], ASGIApp],
    listener: socket.socket,
    on_ready: Callable[[], None],
    before_serving: Callable[[], None],
) -> None:
    server = _OwnSocketServer(make_app(), listener)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    # The socket already listens, so connections from now on are accepted as soon as granian runs.
    loop.call_soon(on_ready)
    before_serving()
    await server.serve()
