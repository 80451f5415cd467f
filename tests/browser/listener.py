"""The callback listener of a legacy client: a local port that receives the token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """A received request."""

    method: str
    path: str
    origin: str | None
    body: str


@dataclass(slots=True)
class Listener:
    """A local port and the requests that it received."""

    port: int
    _queue: "Queue[Came]" = field(default_factory=Queue)

    def next(self) -> Came:
        """Return the next request; fails if none arrives."""
        return self._queue.get(timeout=60)

    def has_more(self) -> bool:
        """Whether another request has arrived."""
        return not self._queue.empty()


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on any free port, and allow every page to read the answer (CORS)."""

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
            """Log nothing."""

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
