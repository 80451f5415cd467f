"""What a legacy client does while it waits: it listens on a port, and takes what comes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """One request that came."""

    method: str
    path: str
    origin: str | None
    body: str


@dataclass(slots=True)
class Listener:
    """A port of this computer, and what came to it."""

    port: int
    _queue: "Queue[Came]" = field(default_factory=Queue)

    def next(self) -> Came:
        """What comes next; fails when nothing does."""
        return self._queue.get(timeout=60)

    def has_more(self) -> bool:
        """Whether anything else came already."""
        return not self._queue.empty()


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen at any free port, and say to every page that it may read the answer."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length).decode()
            if self.path != "/favicon.ico":
                came = Came(self.command, self.path, self.headers.get("Origin"), body)
                listener._queue.put(came)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", ""))
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"done")

        do_GET = do_POST = _answer  # noqa: N815  the names that the server looks for

        def log_message(self, *_: Any) -> None:  # noqa: ANN401  whatever the server says
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
