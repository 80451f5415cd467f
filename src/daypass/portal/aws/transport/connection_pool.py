"""POST requests over pooled connections, with deadlines and retries."""

import ssl
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from daypass.common.proxies import Proxy, ProxyError
from daypass.portal.access.broker import Deadline
from daypass.portal.aws.errors import count_errors, invalid_response, not_answered, proxy_failure, unreachable
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.connection import Connection, NoResponse, Reply, ResponseTooLarge
from daypass.portal.errors import AwsThrottled, AwsUnavailable

_TRIES = 3
_FIRST_WAIT = 0.2
# Seconds. An attempt that is not answered ends after five, which leaves time for another in AWS_TIME_LIMIT.
_CONNECT_TIME = 1.5
_READ_TIME = 3.5
_LONGEST_ANSWER = 64 * 1024

T = TypeVar("T")


class Endpoint:
    """A connection pool for one URL that takes POST requests, optionally through a proxy; thread-safe."""

    def __init__(
        self,
        url: str,
        *,
        connections: int,
        ca_file: str | None,
        timing: Timing,
        longest_answer: int = _LONGEST_ANSWER,
        proxy: Proxy | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.path = parts.path or "/"
        self.url = f"{parts.scheme}://{self.host}{self.path}"
        self._trust = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        # LIFO: the connection that was used last is the most likely to be still open.
        self._idle: deque[Connection] = deque()
        self._connections = connections
        self._timing = timing
        self._longest_answer = longest_answer
        self._proxy = proxy
        # A broker has no end of its own, so its sockets are closed with the last reference to the endpoint.
        weakref.finalize(self, _close_all, self._idle)

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        """Send a request once; raises `AwsUnavailable` if no complete response arrives in time."""
        connection = None
        try:
            connection = self._take() or self._connect(deadline)
            sent = {"Host": self.host, **headers}
            left = partial(self._left, deadline, _READ_TIME)
            return connection.post(self.path, sent, body, left, self._longest_answer)
        except ResponseTooLarge as error:
            raise not_answered(invalid_response(), self.url, error) from error
        except ProxyError as error:
            raise not_answered(proxy_failure(error), self.url, error) from error
        except (NoResponse, OSError) as error:
            raise not_answered(unreachable(self._proxy), self.url, error) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def _connect(self, deadline: Deadline) -> Connection:
        soon = min(deadline, self._timing.within(_CONNECT_TIME))
        return Connection(self.url, self._trust, partial(self._left, soon, _CONNECT_TIME), self._proxy)

    def _left(self, deadline: Deadline, most: float) -> float:
        return min(self._timing.left(deadline), most)

    def _take(self) -> Connection | None:
        """Return an idle connection, or None."""
        # Another thread may take the last one first.
        with suppress(IndexError):
            while True:
                waiting = self._idle.pop()
                if not waiting.is_dropped():
                    return waiting
                waiting.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        # Without a lock two threads may both add the last connection. One idle connection too many does no
        # harm, and a lock would be taken for each request.
        if connection.is_usable and len(self._idle) < self._connections:
            self._idle.append(connection)
        else:
            connection.close()


def _close_all(idle: deque[Connection]) -> None:
    while idle:
        idle.pop().close()


def retry_with_backoff(service: str, attempt: Callable[[], T], deadline: Deadline, timing: Timing) -> T:
    """Call *attempt* up to three times on throttling or outage, with exponential backoff and jitter.

    Each failed attempt counts as an error of *service* in the metrics.
    """
    for wait in (_FIRST_WAIT * 2**earlier for earlier in range(_TRIES - 1)):
        try:
            with count_errors(service):
                return attempt()
        except (AwsThrottled, AwsUnavailable):
            # Full jitter: clients that AWS throttled together must not return together.
            pause = wait * timing.random()
            if timing.left(deadline) <= pause:
                raise
            timing.sleep(pause)
    with count_errors(service):
        return attempt()
