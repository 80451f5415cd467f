"""POST over pooled connections, within a deadline, and again where that can help."""

import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TypeVar
from urllib.parse import urlsplit

from daypass.portal.access.broker import Deadline
from daypass.portal.aws.errors import unreachable, unreadable
from daypass.portal.aws.timing import Timing
from daypass.portal.errors import AwsThrottled, AwsUnavailable

_TRIES = 3
_FIRST_WAIT = 0.2
_CONNECT_TIME = 1.5
_READ_TIME = 3.5
_PIECE = 64 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever it is."""

    status: int
    body: bytes


class Endpoint:
    """One URL that takes POST requests; safe to use from many threads."""

    def __init__(
        self, url: str, *, connections: int, ca_file: str | None, timing: Timing, longest_answer: int = _PIECE
    ) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.path = parts.path or "/"
        self.url = f"{parts.scheme}://{self.host}{self.path}"
        self._trust = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        # What was used last has the best chance to be still open.
        self._idle: deque[HTTPConnection] = deque()
        self._connections = connections
        self._timing = timing
        self._longest_answer = longest_answer
        weakref.finalize(self, _close_all, self._idle)

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        """Send once; `AwsUnavailable` where no whole answer comes in time."""
        left = self._timing.left(deadline)
        if left <= 0:
            raise unreachable()
        connection = self._take(min(left, _CONNECT_TIME))
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(min(left, _READ_TIME))
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            reply = Reply(response.status, self._read(response, deadline))
        except (HTTPException, OSError) as error:
            connection.close()
            raise unreachable() from error
        except BaseException:
            connection.close()
            raise
        if response.will_close or len(self._idle) >= self._connections:
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def _take(self, connect_time: float) -> HTTPConnection:
        """A connection that waits for use, or a new one that is not open yet."""
        while self._idle:
            try:
                waiting = self._idle.pop()
            except IndexError:
                break  # another thread was quicker
            if not _is_dropped(waiting.sock):
                return waiting
            waiting.close()
        if self._trust is None:
            return HTTPConnection(self.host, timeout=connect_time)
        return HTTPSConnection(self.host, timeout=connect_time, context=self._trust)

    def _read(self, response: HTTPResponse, deadline: Deadline) -> bytes:
        body = bytearray()
        while piece := response.read1(_PIECE):
            body += piece
            if len(body) > self._longest_answer:
                raise unreadable()
            if self._timing.left(deadline) <= 0:
                raise unreachable()
        if response.length:
            raise unreachable()
        # Until it is closed, the connection takes no other request.
        response.close()
        return bytes(body)

    def close(self) -> None:
        """Close the connections that wait for use."""
        _close_all(self._idle)


def _close_all(idle: deque[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _is_dropped(waiting: socket.socket) -> bool:
    """Whether the other side has closed, or sent what nobody asked for."""
    poll = select.poll()
    poll.register(waiting, select.POLLIN)
    return bool(poll.poll(0))


def persist(attempt: Callable[[], T], deadline: Deadline, timing: Timing) -> T:
    """Call *attempt* up to three times while AWS throttles or is away, with growing random pauses between."""
    for wait in (_FIRST_WAIT * 2**earlier for earlier in range(_TRIES - 1)):
        try:
            return attempt()
        except (AwsThrottled, AwsUnavailable):
            pause = wait * timing.chance()
            if timing.left(deadline) <= pause:
                raise
            timing.sleep(pause)
    return attempt()
