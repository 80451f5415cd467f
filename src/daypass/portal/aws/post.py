"""POST over pooled connections, within a deadline, and again where that can help."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import urllib3

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
        trust = {"ca_certs": ca_file} if parts.scheme == "https" else {}
        self._pool = urllib3.connection_from_url(url, maxsize=connections, **trust)
        self._timing = timing
        self._longest_answer = longest_answer

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> Reply:
        """Send once; `AwsUnavailable` where no whole answer comes in time."""
        left = self._timing.left(deadline)
        if left <= 0:
            raise unreachable()
        timeout = urllib3.Timeout(connect=min(left, _CONNECT_TIME), read=min(left, _READ_TIME))
        try:
            response = self._pool.urlopen(
                "POST", self.path, body, headers, retries=False, timeout=timeout, preload_content=False
            )
            return Reply(response.status, self._read(response, deadline))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable() from error

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
        body = bytearray()
        while piece := response.read1(_PIECE):
            body += piece
            if len(body) > self._longest_answer:
                response.close()
                raise unreadable()
            if self._timing.left(deadline) <= 0:
                response.close()
                raise unreachable()
        response.release_conn()
        return bytes(body)

    def close(self) -> None:
        """Close the connections that wait for use."""
        self._pool.close()


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
