"""The sandbox as a server: one process, one port, loopback only."""

import asyncio
import signal
import socket
from collections.abc import Callable

from granian.constants import Interfaces
from granian.net import SocketHolder  # type: ignore[attr-defined]  # granian names it only where it takes it from
from granian.server.embed import Server
from starlette.types import ASGIApp

from daypass.sandbox.app import make_app
from daypass.sandbox.config import SandboxConfig

_BACKLOG = 512


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; OSError when the port is taken. 0 means any free port."""
    return socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)


class _OwnSocketServer(Server):
    """Granian on a socket that is bound already, so that a port is never chosen and then lost."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._listening = listening
        host, port = listening.getsockname()
        super().__init__(app, host, port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)

    def _init_shared_socket(self) -> None:
        self._listening.setblocking(False)
        self._ssp = None
        listening = self._listening.detach()
        self._shd = SocketHolder(listening, False, _BACKLOG)  # type: ignore[call-arg, assignment]  # in no stub


def serve(config: SandboxConfig, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve on *listening*, and own it, until SIGINT or SIGTERM; *on_ready* is called once it serves."""
    asyncio.run(_serve(config, listening, on_ready))


async def _serve(config: SandboxConfig, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    server = _OwnSocketServer(make_app(config), listening)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    # The socket listens already: whoever connects from now on is answered as soon as granian runs.
    loop.call_soon(on_ready)
    await server.serve()
