"""A listener on this machine for one answer from the browser; whatever else comes is turned away.

Any page, and anybody on this machine, may knock: so the path is random, Host, method and path must fit
exactly, the state is compared, little is read, and nobody is waited for long.
"""

import secrets
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from time import monotonic
from urllib.parse import parse_qsl

MOST_REQUESTS = 20
LARGEST_REQUEST = 8 * 1024
REQUEST_TIME = 2.0
_MOST_CONNECTIONS = 32

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the genuine answer carries."""

    state: str = field(repr=False)
    issuer: str
    goes_on_at: str
    """Where the browser is sent afterwards."""


@dataclass(frozen=True, slots=True)
class Callback:
    """The genuine answer: a code, or the word for why there is none."""

    code: str = field(repr=False)
    error: str


@dataclass(slots=True)
class _Visitor:
    """A connection, and what it has said so far."""

    until: float
    said: bytes = b""


class Listener:
    """The listener; closed when left."""

    def __init__(self, port: int = 0, path: str = "") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen(128)
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.path = path or f"/cb/{secrets.token_urlsafe(24)}"
        self._visitors: dict[socket.socket, _Visitor] = {}
        self._left = MOST_REQUESTS

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        for visitor in self._visitors:
            visitor.close()
        self._socket.close()

    @property
    def redirect_uri(self) -> str:
        """The address that the browser is to be sent to."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    def wait(
        self,
        expected: Expected,
        seconds: float,
        also: int | None = None,
        other: Callable[[], Callback | None] = lambda: None,
    ) -> Callback | None:
        """The genuine answer; None when there was none in time.

        *also* is a file descriptor that is watched too; *other* is called when it has something.
        """
        until = monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            if also is not None:
                selector.register(also, selectors.EVENT_READ)
            for visitor in self._visitors:
                selector.register(visitor, selectors.EVENT_READ)
            while (now := monotonic()) < until:
                self._drop_slow(selector, now)
                wake = min([until, *(visitor.until for visitor in self._visitors.values())])
                for ready, _ in selector.select(max(0.0, wake - now)):
                    found = self._serve(ready.fileobj, selector, expected, also, other)
                    if found is not None:
                        return found
        return None

    def _serve(
        self,
        ready: object,
        selector: selectors.BaseSelector,
        expected: Expected,
        also: int | None,
        other: Callable[[], Callback | None],
    ) -> Callback | None:
        if ready == also:
            return other()
        if ready is self._socket:
            self._accept(selector)
            return None
        if not isinstance(ready, socket.socket) or ready not in self._visitors:
            return None
        return self._listen(ready, selector, expected)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        try:
            visitor, _ = self._socket.accept()
        except OSError:
            return
        visitor.setblocking(False)
        if len(self._visitors) >= _MOST_CONNECTIONS:
            # Who came first has had the most time; the genuine answer needs none.
            self._drop(next(iter(self._visitors)), selector)
        self._visitors[visitor] = _Visitor(monotonic() + REQUEST_TIME)
        selector.register(visitor, selectors.EVENT_READ)

    def _listen(
        self, visitor: socket.socket, selector: selectors.BaseSelector, expected: Expected
    ) -> Callback | None:
        known = self._visitors[visitor]
        try:
            heard = visitor.recv(LARGEST_REQUEST)
        except BlockingIOError:
            return None
        except OSError:
            heard = b""
        known.said += heard
        is_whole = _HEAD_END in known.said
        if heard and not is_whole and len(known.said) <= LARGEST_REQUEST:
            return None
        found = None
        if is_whole and len(known.said) <= LARGEST_REQUEST and self._left > 0:
            self._left -= 1
            found = self._genuine(known.said, expected)
            _answer(visitor, expected.goes_on_at if found else None)
        self._drop(visitor, selector)
        return found

    def _genuine(self, said: bytes, expected: Expected) -> Callback | None:
        """The answer in a request that fits in every part."""
        try:
            lines = said.partition(_HEAD_END)[0].decode("ascii").split("\r\n")
        except UnicodeDecodeError:
            return None
        method, _, rest = lines[0].partition(" ")
        target, _, protocol = rest.partition(" ")
        headers = [line.partition(":") for line in lines[1:]]
        hosts = [value.strip() for name, _, value in headers if name.lower() == "host"]
        path, _, query = target.partition("?")
        if (method, path, hosts) != ("GET", self.path, [f"127.0.0.1:{self.port}"]):
            return None
        if not protocol.startswith("HTTP/1."):
            return None
        return _read(query, expected)

    def _drop_slow(self, selector: selectors.BaseSelector, now: float) -> None:
        for visitor in [visitor for visitor, known in self._visitors.items() if known.until <= now]:
            self._drop(visitor, selector)

    def _drop(self, visitor: socket.socket, selector: selectors.BaseSelector) -> None:
        del self._visitors[visitor]
        selector.unregister(visitor)
        visitor.close()


def _read(query: str, expected: Expected) -> Callback | None:
    """The answer in a query that carries state and issuer as expected, and nothing twice."""
    pairs = parse_qsl(query, keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) != len(pairs) or not compare_digest(
        fields.get("state", "").encode(), expected.state.encode()
    ):
        return None
    if fields.get("iss") != expected.issuer or ("code" in fields) == ("error" in fields):
        return None
    return Callback(fields.get("code", ""), fields.get("error", ""))


def _answer(visitor: socket.socket, goes_on_at: str | None) -> None:
    """Send the browser on; or, to a request that is not the one waited for, say nothing but no."""
    found = f"HTTP/1.1 303 See Other\r\nLocation: {goes_on_at}"
    headers = [
        "HTTP/1.1 404 Not Found" if goes_on_at is None else found,
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "X-Content-Type-Options: nosniff",
        "Content-Type: text/plain; charset=utf-8",
        "Connection: close",
    ]
    body = "" if goes_on_at is None else "Your terminal goes on. You may close this page.\n"
    headers.append(f"Content-Length: {len(body)}")
    try:
        visitor.sendall(("\r\n".join(headers) + "\r\n\r\n" + body).encode())
    except OSError:
        # Whoever asked is gone already.
        return
