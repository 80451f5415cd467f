"""The sandbox's HTTP server: one process, one port, loopback only."""

import socket
from collections.abc import Callable
from functools import partial

from daypass.sandbox.app import make_app
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.confinement import confine
from daypass.sandbox.loopback import serve_app


def serve(config: SandboxConfig, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve on *listener*, and own it, until SIGINT or SIGTERM. Calls *on_ready* when it serves."""
    serve_app(partial(make_app, config), listener, on_ready, before_serving=partial(confine, config.port))
