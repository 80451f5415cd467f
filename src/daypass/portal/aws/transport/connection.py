"""A keep-alive HTTP/1.1 connection: one request at a time, whole responses."""

import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from daypass.common import tunnel
from daypass.common.proxies import Proxy

_DATE = re.compile(rb"\r\ndate:[ \t]*([^\r\n]{1,64})", re.IGNORECASE)
_PIECE = 64 * 1024
# The head's share of the limit on received bytes; AWS's heads are under one kilobyte.
_LARGEST_HEAD = 16 * 1024

Left = Callable[[], float]
"""Returns the seconds that are left for the next step."""


class NoResponse(Exception):
    """No complete response arrived; the connection cannot be used any more."""


class ResponseTooLarge(Exception):
    """The response exceeds the expected size."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response of any status."""

    status: int
    body: bytes
    start: bytes = field(default=b"", repr=False, compare=False)
    """The first bytes received, for headers that are read in rare cases only."""

    @property
    def date(self) -> datetime | None:
        """The time of the Date header, or None if it is missing or malformed."""
        match = _DATE.search(self.start.partition(b"\r\n\r\n")[0])
        return None if match is None else read_date(match[1].decode("latin-1"))


class Connection:
    """A connection to one host; its creator must close it.

    `is_usable` is False after any failure: the connection then takes no further request.
    """

    def __init__(
        self, url: str, trust: ssl.SSLContext | None, left: Left, proxy: Proxy | None = None
    ) -> None:
        """Connect, through the proxy if there is one; raises `NoResponse` or `OSError`.

        `ProxyError`, an `OSError`, describes a failure at the proxy.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if trust else 80)
        plain = _open(host, port, left) if proxy is None else _open_proxy(proxy, host, left)
        # Without TLS there is no tunnel: the proxy forwards each request (RFC 9112, section 3.2.2).
        self._forwarder = None if trust else proxy
        self._origin = f"{parts.scheme}://{parts.netloc}"
        try:
            # Disables Nagle's algorithm: a request is one packet and must not be delayed.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if proxy is not None and trust is not None:
                tunnel.establish(plain, proxy, host, port, partial(_remaining, left))
            plain.settimeout(_remaining(left))
            self._socket = trust.wrap_socket(plain, server_hostname=host) if trust else plain
        except BaseException:
            plain.close()
            raise
        self.is_usable = True

    def post(self, path: str, headers: Mapping[str, str], body: bytes, left: Left, longest: int) -> Reply:
        """Return the response to a POST; raises `NoResponse`, `OSError` or `ResponseTooLarge`."""
        # Only a complete response makes the connection usable again. After a failure the late response to
        # this request would be read as the response to the next one, with the keys of another user's session.
        self.is_usable = False
        if self._forwarder is not None:
            path, headers = f"{self._origin}{path}", {**headers, **self._forwarder.headers()}
        request = _head(path, headers, len(body)) + body
        self._socket.settimeout(_remaining(left))
        self._socket.sendall(request)
        answer = _ResponseParser()
        received, start = 0, b""
        while not answer.is_complete:
            # A socket's timeout covers a single call. Without a new one before each, a dripping response
            # could last indefinitely.
            self._socket.settimeout(_remaining(left))
            piece = self._socket.recv(_PIECE)
            received += len(piece)
            # The end of the connection does not count as the end of a response without a length, because a
            # response that was cut off would look the same.
            if not piece:
                raise NoResponse
            # Counts head and chunk sizes too, so that neither can grow without bound; the body alone is
            # checked below.
            if received > longest + _LARGEST_HEAD:
                raise ResponseTooLarge
            answer.feed(piece)
            start = start or piece
        if len(answer.body) > longest:
            raise ResponseTooLarge
        self.is_usable = answer.keeps_alive
        if self._forwarder is not None and answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise tunnel.refused(self._forwarder, answer.status, self._origin)
        return Reply(answer.status, bytes(answer.body), start)

    def is_dropped(self) -> bool:
        """Return whether the peer closed the connection or sent unsolicited data."""
        # `select.select` fails for descriptors above 1,023, which a portal with many connections has.
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def read_date(text: str) -> datetime | None:
    """Return the time of a Date header, in UTC, or None if it is malformed."""
    try:
        read = parsedate_to_datetime(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _open(host: str, port: int, left: Left) -> socket.socket:
    """Connect to the first address of a host that accepts; *left* covers all attempts together."""
    failure: OSError | None = None
    # `create_connection` with the host's name would give each of its addresses the whole timeout.
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return socket.create_connection((str(address[0]), port), _remaining(left))
        except OSError as error:
            failure = error
    raise NoResponse from failure


def _open_proxy(proxy: Proxy, host: str, left: Left) -> socket.socket:
    try:
        return _open(proxy.host, proxy.port, left)
    except NoResponse as error:
        raise tunnel.unreachable(proxy, error.__cause__, host) from error
    except OSError as error:
        raise tunnel.unreachable(proxy, error, host) from error


def _remaining(left: Left) -> float:
    """Return the time left; raises `NoResponse` if there is none."""
    seconds = left()
    if seconds <= 0:
        raise NoResponse
    return seconds


def _head(path: str, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {length}", "", ""]
    head = "\r\n".join(lines)
    # A line break in a value would begin another header.
    # The message omits the header, which may be a secret.
    if not head.isascii() or head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
        raise ValueError("a header that is not one line of ASCII")
    return head.encode()


class _ResponseParser:
    """The incremental parser of a response; httptools prescribes the names of the callbacks."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()
        self.is_complete = False
        self.keeps_alive = False
        self._parser = HttpResponseParser(self)

    def feed(self, piece: bytes) -> None:
        """Parse more bytes; raises `NoResponse` for bytes that are not HTTP or exceed the response."""
        try:
            self._parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise NoResponse from error

    def on_message_begin(self) -> None:
        """Start of a response; one after the final response was not requested."""
        self.keeps_alive = False

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if not self.is_complete:
            self.body += piece

    def on_message_complete(self) -> None:
        """End of a response, interim (1xx) responses included."""
        if self.is_complete:
            return
        # An interim response, such as 100 Continue, precedes the one that counts (RFC 9110, section 15.2).
        self.status = self._parser.get_status_code()
        self.is_complete = self.status >= HTTPStatus.OK
        self.keeps_alive = self._parser.should_keep_alive()
