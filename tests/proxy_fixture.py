"""A TCP proxy in front of the PostgreSQL server that can stop forwarding without closing anything."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.database_fixture import PostgresServer

_PIECE = 65536


class Proxy:
    """Forwards TCP connections to a server's Unix socket; `vanish` and `come_back` switch both directions."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._wake, self._wakened = socket.socketpair()
        self._others: dict[socket.socket, socket.socket] = {}
        self._from_server: set[socket.socket] = set()
        self._muted: set[socket.socket] = set()
        self._is_gone = False
        self._is_closed = False
        self._swallow_answer_to: bytes | None = None
        self.swallowed = threading.Event()
        """Set once a request went through whose answer is withheld."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listening.getsockname()[1]
        return port

    def vanish(self) -> None:
        """Stop forwarding: connections stay open, and nothing comes through any more."""
        self._is_gone = True

    def come_back(self) -> None:
        """Forward new connections; those from before stay dead, as after a failover to the same address."""
        self._muted |= set(self._others)
        self._is_gone = False
        self._wake.send(b".")

    def withhold_answer_to(self, request: bytes) -> None:
        """Let the next request with these bytes through, and nothing back on that connection from then on."""
        self._swallow_answer_to = request

    def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        self._wake.send(b".")
        self._thread.join()
        for each in (self._listening, self._wake, self._wakened, *self._others):
            each.close()

    def _run(self) -> None:
        while not self._is_closed:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wakened, selectors.EVENT_READ)
                if not self._is_gone:
                    for each in (self._listening, *(self._others.keys() - self._muted)):
                        selector.register(each, selectors.EVENT_READ)
                for key, _ in selector.select(0.05):
                    self._step(key.fileobj)

    def _step(self, ready: object) -> None:
        assert isinstance(ready, socket.socket)
        if ready is self._wakened:
            ready.recv(_PIECE)
        elif self._is_gone:
            return
        elif ready is self._listening:
            self._accept()
        elif ready in self._others and ready not in self._muted:
            self._forward(ready)

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._others |= {client: server, server: client}
        self._from_server.add(server)

    def _forward(self, source: socket.socket) -> None:
        target = self._others[source]
        piece = b""
        with suppress(OSError):
            piece = source.recv(_PIECE)
            if piece:
                target.sendall(piece)
        if not piece:
            for each in (source, target):
                self._others.pop(each, None)
                each.close()
            return
        wanted = self._swallow_answer_to
        if wanted is not None and source not in self._from_server and wanted in piece:
            self._swallow_answer_to = None
            self._muted.add(target)
            self.swallowed.set()


@contextmanager
def proxied(server: PostgresServer, url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of *server*, and the URL that leads through it to the database of *url*."""
    proxy = Proxy(server.folder / ".s.PGSQL.5432")
    name = urlsplit(url).path
    try:
        yield proxy, f"postgresql://daypass@127.0.0.1:{proxy.port}{name}"
    finally:
        proxy.close()
