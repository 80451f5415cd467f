"""The loopback callback server (RFC 8252): waits for one authorization response from the browser.

Any web page and any local process can send requests to it. So the path is random, the state is compared, and
only the first requests to the right path are examined. Requests to wrong paths do not count; they are bounded
by the time the user has to answer and by the number of simultaneous connections.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock
from time import monotonic
from urllib.parse import parse_qsl

from daypass.cli.runtime.loopback_server import LoopbackServer, Reply, Request

MAX_REQUESTS = 20

_DONE_TEXT = b"Return to your terminal. You may close this page.\n"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Type": "text/plain; charset=utf-8",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """The parameters that a genuine authorization response carries."""

    state: str = field(repr=False)
    issuer: str
    redirect_to: str
    """The URL to which the browser is redirected afterwards."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A genuine authorization response: a code, or the error code that stands in its place."""

    code: str = field(repr=False)
    error: str


class CallbackServer:
    """A context manager that listens on 127.0.0.1 for the authorization response."""

    def __init__(self, port: int = 0, path: str = "") -> None:
        self._loopback = LoopbackServer(self._reply, port)
        # A random path, because every web page and every user of this machine can send requests to the port.
        self.path = path or f"/cb/{secrets.token_urlsafe(24)}"
        self._lock = Lock()
        self._requests_left = MAX_REQUESTS
        self._expected: Expected | None = None
        self._callback: Callback | None = None

    def __enter__(self) -> "CallbackServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.close()

    @property
    def port(self) -> int:
        """The port on which the server listens."""
        return self._loopback.port

    @property
    def redirect_uri(self) -> str:
        """The redirect URI for the authorization request."""
        return f"http://{self._loopback.authority}{self.path}"

    def wait(
        self,
        expected: Expected,
        seconds: float,
        descriptor: int | None = None,
        read_other: Callable[[], Callback | None] = lambda: None,
    ) -> Callback | None:
        """Return the genuine response; None if none arrived within *seconds*.

        *descriptor* is watched as well; when it becomes readable, *read_other* may return a response.
        """
        self._expected = expected
        until = monotonic() + seconds
        while (
            self._loopback.serve(until - monotonic(), [] if descriptor is None else [descriptor]) is not None
        ):
            callback = read_other()
            if callback is not None:
                return callback
        return self._callback

    def _reply(self, request: Request) -> Reply:
        path, _, query = request.target.partition("?")
        # Any web page can send requests to wrong paths. Counting them would let it end the sign-in.
        if not compare_digest(path.encode(), self.path.encode()):
            return Reply(HTTPStatus.NOT_FOUND)
        with self._lock:
            self._requests_left -= 1
            expected = self._expected
            if expected is None or self._requests_left < 0 or self._callback is not None:
                return Reply(HTTPStatus.NOT_FOUND)
            self._callback = _read_callback(query, expected)
            if self._callback is None:
                return Reply(HTTPStatus.NOT_FOUND)
        headers = {"Location": expected.redirect_to, **_HEADERS}
        return Reply(HTTPStatus.SEE_OTHER, _DONE_TEXT, headers, is_last=True)


def _read_callback(query: str, expected: Expected) -> Callback | None:
    """Return the response in *query*; None if state or issuer (RFC 9207) differ or a name is repeated."""
    pairs = parse_qsl(query, keep_blank_values=True)
    fields = dict(pairs)
    # Of a repeated name, another parser may have checked the other value.
    if len(fields) != len(pairs) or not compare_digest(
        fields.get("state", "").encode(), expected.state.encode()
    ):
        return None
    # The issuer is compared so that no other server's code is sent to this portal (mix-up attack).
    if fields.get("iss") != expected.issuer or ("code" in fields) == ("error" in fields):
        return None
    return Callback(fields.get("code", ""), fields.get("error", ""))
