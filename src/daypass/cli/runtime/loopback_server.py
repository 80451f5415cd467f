"""A minimal, strict HTTP server on 127.0.0.1: one small GET request per connection."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import BoundedSemaphore, Thread
from time import monotonic

from daypass.cli.runtime.select import wait_readable

_MAX_REQUEST_SIZE = 8 * 1024
_TIMEOUT = 2.0
"""Seconds within which a request must arrive, its answer be sent, or a connection slot become free."""

_MAX_CONNECTIONS = 256


@dataclass(frozen=True, slots=True)
class Request:
    """A request; the names of its headers are in lower case and unique."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; Content-Length, Connection and Cache-Control are added when it is sent."""

    status: HTTPStatus
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_last: bool = False
    """Whether the server stops after this response."""


class LoopbackServer:
    """An HTTP server that listens on 127.0.0.1 only; *port* 0 chooses a free one."""

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self._slots = BoundedSemaphore(_MAX_CONNECTIONS)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self.port: int = self._socket.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.delivered: bool | None = None
        """Whether the reply marked `is_last` was sent completely; None until there was one."""

    def serve(self, seconds: float | None = None, until: Sequence[int] = ()) -> int | None:
        """Answer requests until a descriptor of *until* is readable, and return that descriptor.

        Returns None after *seconds*, or after the last reply.
        """
        end = None if seconds is None else monotonic() + seconds
        listening, last = self._socket.fileno(), self._wake_reader.fileno()
        while True:
            ready = wait_readable([listening, last, *until], None if end is None else end - monotonic())
            if last in ready or not ready:
                return None
            for descriptor in until:
                if descriptor in ready:
                    return descriptor
            self._accept()

    def close(self) -> None:
        """Close the sockets."""
        for each in (self._socket, self._wake_reader, self._wake_writer):
            each.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            # The client has closed the connection again.
            return
        # A client that sends nothing times out soon and frees its slot for one that may be genuine.
        if not self._slots.acquire(timeout=_TIMEOUT):
            connection.close()
            return
        Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                request = _read_request(connection)
                reply = Reply(HTTPStatus.BAD_REQUEST) if request is None else self._respond(request)
                is_sent = _send(connection, reply)
                if reply.is_last:
                    self.delivered = is_sent
                    self._wake_writer.send(b".")
        finally:
            self._slots.release()

    def _respond(self, request: Request) -> Reply:
        # Protects against DNS rebinding: a web page reaches this server only under a host name of its own.
        if request.headers.get("host") != self.authority:
            return Reply(HTTPStatus.FORBIDDEN)
        if request.method != "GET":
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
        return self._answer(request)


def _read_request(connection: socket.socket) -> Request | None:
    """Read the request; return None if it is malformed, too large, too slow or has a body."""
    end, received = monotonic() + _TIMEOUT, b""
    while b"\r\n\r\n" not in received:
        left = end - monotonic()
        if left <= 0 or len(received) > _MAX_REQUEST_SIZE:
            return None
        connection.settimeout(left)
        chunk = connection.recv(_MAX_REQUEST_SIZE)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return None if body or len(head) > _MAX_REQUEST_SIZE else _parse_request(head)


def _parse_request(head: bytes) -> Request | None:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or name in headers:
            return None
        headers[name] = value.strip()
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        return None
    return Request(words[0], words[1], headers)


def _send(connection: socket.socket, reply: Reply) -> bool:
    """Send the reply; return whether that succeeded."""
    try:
        connection.settimeout(_TIMEOUT)
        connection.sendall(_serialize(reply))
        # Closing a socket with unread input resets the connection, and the client may lose the answer.
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def _serialize(reply: Reply) -> bytes:
    headers = {
        "Content-Length": str(len(reply.body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body


def process_end(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None if the system has no pidfd."""
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
