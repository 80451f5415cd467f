"""Having clients leave a server that another one replaces, without losing a request."""

import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from daypass.portal.connection_limits import listening_descriptors

_FDS = Path("/proc/self/fd")


class Drain:
    """Ends the use of connections: no new ones, and none for a second request over HTTP/1.1."""

    def __init__(self) -> None:
        self._is_started = False

    def wrap(self, app: Any) -> Any:  # noqa: ANN401  the server's own type
        """Return an ASGI application whose responses end their connection, from `start` on."""

        async def draining(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  the server's own types
            if self._is_started and scope["http_version"].startswith("1"):
                await app(scope, receive, _closing(send))
            else:
                await app(scope, receive, send)

        return draining

    def start(self, port: int) -> bool:
        """Leave connections that arrive at *port* to other processes; return whether that is possible here.

        The server would close connections at once if it was stopped. It is not told: its event loop no
        longer gets the events of the listening socket, and the kernel wakes the other processes only.
        """
        if not hasattr(select, "epoll") or not _FDS.is_dir():
            return False
        listening = listening_descriptors(port)
        removed = sum(_unregister(loop, descriptor) for loop in _event_loops() for descriptor in listening)
        self._is_started = removed > 0
        return self._is_started


def _closing(send: Any) -> Any:  # noqa: ANN401  the server's own types
    async def closing(message: Any) -> None:  # noqa: ANN401  the server's own type
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return closing


def _event_loops() -> Iterator[int]:
    """Yield the descriptors of this process's epoll instances."""
    for link in _FDS.iterdir():
        with suppress(OSError):
            if str(link.readlink()) == "anon_inode:[eventpoll]":
                yield int(link.name)


def _unregister(loop: int, descriptor: int) -> bool:
    # The duplicate is the same epoll instance, and the object closes its descriptor.
    with suppress(OSError), select.epoll.fromfd(os.dup(loop)) as events:
        events.unregister(descriptor)
        return True
    return False
