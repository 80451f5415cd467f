"""HTTP requests to issuers: bounded in time and size, and without redirects."""

import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from daypass.common import tunnel
from daypass.common.proxies import ProxyError, proxy_for
from daypass.portal.identity.jwt.errors import IssuerUnavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LARGEST_RESPONSE = 1024 * 1024
"""The limit on the size of a response's body, in bytes."""

Left = Callable[[], float]
"""Returns the seconds that are left; raises `TimeoutError` if there are none."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response of any status but a redirect."""

    status: int
    headers: Mapping[str, str]
    """The headers, with names in lower case."""
    body: bytes = field(repr=False)


@dataclass
class Fetcher:
    """Sends requests to issuers, through the proxy that the environment sets; thread-safe.

    Certificates are checked against those of the system, or of SSL_CERT_FILE.
    """

    time_limit: float = 5
    """The limit on a whole request in seconds, from the connection to the end of the response."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Send a GET request; raises `IssuerUnavailable`."""
        return self._send("GET", url, headers or {}, b"")

    def post_form(self, url: str, form: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """Send an encoded form; raises `IssuerUnavailable`."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._send("POST", url, sent, form)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        # The address may be secret after the `?`, so messages name the host and path alone.
        where = url.partition("?")[0]
        head = _head(method, url, headers, len(body))
        try:
            response = self._exchange(method, url, head + body, _deadline(self.time_limit))
        except ProxyError as error:
            raise IssuerUnavailable(str(error)) from error
        except TimeoutError as error:
            raise IssuerUnavailable(f"{where} did not answer within {self.time_limit:g} seconds.") from error
        except ssl.SSLError as error:
            raise IssuerUnavailable(f"The TLS connection to {where} failed: {_reason_of(error)}.") from error
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise IssuerUnavailable(f"The connection to {where} failed: {detail}.") from error
        except (HTTPException, ValueError):
            # The cause quotes the response.
            message = f"{where} did not answer with a complete HTTP response."
            raise IssuerUnavailable(message) from None
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            # A redirect could lead the portal to a service inside its own network.
            raise IssuerUnavailable(f"{where} answered with a redirect, which the portal does not follow.")
        if len(response.body) > LARGEST_RESPONSE:
            raise IssuerUnavailable(f"The response of {where} is larger than 1 MiB.")
        return response

    def _exchange(self, method: str, url: str, request: bytes, left: Left) -> Response:
        connection = self._connect(url, left)
        try:
            timed = _TimedSocket(connection, left)
            timed.send(request)
            return _read(timed, method)
        finally:
            connection.close()

    def _connect(self, url: str, left: Left) -> socket.socket:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https":
            # Only addresses of this machine are without TLS (see `urls`), and those never use a proxy.
            return _open(host, parts.port or 80, left)
        port, proxy = parts.port or 443, proxy_for(url, self.environment)
        plain = _open(host, port, left) if proxy is None else tunnel.open_tunnel(proxy, host, port, left)
        try:
            plain.settimeout(left())
            return self._trust.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class _TimedSocket:
    """A socket whose timeout is set anew before each operation.

    Otherwise each received byte would extend the time, and a response that drips could last for ever.
    """

    def __init__(self, connection: socket.socket, left: Left) -> None:
        self._connection = connection
        self._left = left

    def send(self, data: bytes) -> None:
        """Send all of *data*."""
        self._connection.settimeout(self._left())
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file from which `HTTPResponse` reads."""
        return io.BufferedReader(_TimedReader(self._connection, self._left))


class _TimedReader(io.RawIOBase):
    def __init__(self, connection: socket.socket, left: Left) -> None:
        self._connection = connection
        self._left = left

    def readable(self) -> bool:
        """Return True, as `BufferedReader` demands."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Receive into *buffer*."""
        self._connection.settimeout(self._left())
        return self._connection.recv_into(buffer)


def _read(connection: _TimedSocket, method: str) -> Response:
    response = HTTPResponse(cast("socket.socket", connection), method=method)
    try:
        response.begin()
        body = response.read(LARGEST_RESPONSE + 1)
        headers = {name.lower(): value for name, value in response.getheaders()}
    finally:
        response.close()
    return Response(response.status, headers, body)


def _open(host: str, port: int, left: Left) -> socket.socket:
    """Connect to the first address of *host* that accepts; *left* covers all attempts together."""
    failure: OSError = OSError("the name has no address")
    # The system's resolver takes no timeout. The time that it takes counts, but only once it has answered.
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return socket.create_connection((str(address[0]), port), left())
        except TimeoutError:
            raise
        except OSError as error:
            failure = error
    raise failure


def _head(method: str, url: str, headers: Mapping[str, str], length: int) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Accept: application/json",
        # A compressed megabyte can be a gigabyte.
        "Accept-Encoding: identity",
        "User-Agent: daypass",
        "Connection: close",
        *([f"Content-Length: {length}"] if method == "POST" else []),
    ]
    # A line break in a value would begin another header. The message omits the value, which may be a secret.
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise ValueError("a header that is not one line of ASCII")
    return "\r\n".join([*lines, "", ""]).encode()


def _deadline(seconds: float) -> Left:
    end = time.monotonic() + seconds

    def left() -> float:
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    return left


def _reason_of(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason or "the server speaks no TLS"
