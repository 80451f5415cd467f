"""A small HTTP proxy on loopback: it tunnels, forwards, and alone resolves the names that it was given."""

import socket
import threading
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


class HttpProxy:
    """Connects to the names in `hosts` and to nothing else.

    With `login` ("user:password") it requires that; `status` is the answer to every request if set.
    """

    def __init__(self, hosts: Mapping[str, int]) -> None:
        self.hosts = hosts
        self.login: str | None = None
        self.status: int | None = None
        self.requests: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The URL for HTTPS_PROXY."""
        return f"http://{self.authority}"

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: HttpProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is expected."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_CONNECT(self) -> None:
        upstream = self._upstream(self.path.rpartition(":")[0])
        if upstream is None:
            return
        with upstream:
            self.send_response_only(200, "Connection established")
            self.end_headers()
            other_way = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
            other_way.start()
            _copy(self.connection, upstream)
            other_way.join()

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        upstream = self._upstream(parts.hostname or "")
        if upstream is None:
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = {k: v for k, v in self.headers.items() if k != "Proxy-Authorization"} | {"Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        with upstream:
            upstream.sendall(f"POST {parts.path or '/'} HTTP/1.1\r\n{head}\r\n".encode() + body)
            while piece := upstream.recv(65536):
                self.connection.sendall(piece)

    def _upstream(self, host: str) -> socket.socket | None:
        proxy = self.server.proxy
        proxy.requests.append(f"{self.command} {self.path}")
        wanted = None if proxy.login is None else f"Basic {b64encode(proxy.login.encode()).decode()}"
        if wanted is not None and self.headers["Proxy-Authorization"] != wanted:
            self.send_error(407)
        elif proxy.status is not None:
            self.send_error(proxy.status)
        elif host not in proxy.hosts:
            self.send_error(502)
        else:
            return socket.create_connection(("127.0.0.1", proxy.hosts[host]), 30)
        return None

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
