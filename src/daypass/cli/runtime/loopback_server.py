"""A listener on 127.0.0.1 for programs of this machine: one small, exact request for each connection."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import BoundedSemaphore, Thread
from time import monotonic

from daypass.cli.runtime.select import wait_readable

_LARGEST = 8 * 1024
_PATIENCE = 2.0
"""Seconds for a whole request to arrive."""

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Request:
    """A request, with the names of its headers in lower case; none of them came twice."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer."""

    status: HTTPStatus
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_last: bool = False
    """Whether nobody needs to be answered after this."""


class LoopbackServer:
    """Answers requests on a port of 127.0.0.1, and of no other address."""

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self._seats = BoundedSemaphore(_AT_ONCE)
        self._ours, self._theirs = socket.socketpair()
        self.port: int = self._socket.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.delivered: bool | None = None
        """Whether the last reply could be sent; None as long as there was none."""

    def serve(self, patience: float | None = None, until: Sequence[int] = ()) -> int | None:
        """Answer until a descriptor of *until* has something to say, and say which.

        None when *patience* seconds have passed, or when the last reply has been given.
        """
        end = None if patience is None else monotonic() + patience
        listening, last = self._socket.fileno(), self._ours.fileno()
        while True:
            ready = wait_readable([listening, last, *until], None if end is None else end - monotonic())
            if last in ready or not ready:
                return None
            for descriptor in until:
                if descriptor in ready:
                    return descriptor
            self._take()

    def close(self) -> None:
        """Take no more."""
        for each in (self._socket, self._ours, self._theirs):
            each.close()

    def _take(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            # Whoever knocked is gone again.
            return
        # Who says nothing gives up its seat soon, and who comes next may be the one that is waited for.
        if not self._seats.acquire(timeout=_PATIENCE):
            connection.close()
            return
        Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                request = _read(connection)
                reply = Reply(HTTPStatus.BAD_REQUEST) if request is None else self._judge(request)
                is_sent = _send(connection, reply)
                if reply.is_last:
                    self.delivered = is_sent
                    self._theirs.send(b".")
        finally:
            self._seats.release()

    def _judge(self, request: Request) -> Reply:
        # A page of a browser gets here under a name that its author chose (DNS rebinding), never under ours.
        if request.headers.get("host") != self.authority:
            return Reply(HTTPStatus.FORBIDDEN)
        if request.method != "GET":
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
        return self._answer(request)


def _read(connection: socket.socket) -> Request | None:
    """The request; None if it is not one that we take."""
    end, read = monotonic() + _PATIENCE, b""
    while b"\r\n\r\n" not in read:
        left = end - monotonic()
        if left <= 0 or len(read) > _LARGEST:
            return None
        connection.settimeout(left)
        more = connection.recv(_LARGEST)
        if not more:
            return None
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    return None if body or len(head) > _LARGEST else _parsed(head)


def _parsed(head: bytes) -> Request | None:
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
    """Send it; says whether somebody was there to take it."""
    try:
        connection.settimeout(_PATIENCE)
        connection.sendall(_written(reply))
        # Closing with something unread would tear the answer away from its reader.
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def _written(reply: Reply) -> bytes:
    headers = {
        "Content-Length": str(len(reply.body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body


def end_of(pid: int) -> int | None:
    """A descriptor that speaks when that process has ended; None where the system has no such thing."""
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
