"""A load generator with a low cost: callers with persistent connections, each with one request at a time.

    python -m benchmarks.load --port 8080 --path /healthz --callers 8 --seconds 5

prints one JSON object: requests, failures, seconds, p50 and p99 in milliseconds, and its own CPU time.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass, field
from functools import partial


@dataclass
class Tally:
    """The responses so far; latencies in seconds."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""


class Caller(asyncio.Protocol):
    """A connection that sends the next request as soon as it has a response."""

    def __init__(self, request: bytes, tally: Tally, stop_at: float, done: asyncio.Future[None]) -> None:
        self._request = request
        self._tally = tally
        self._stop_at = stop_at
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  a TCP connection can be written to
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count a complete response, and send the next request until the time is over."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        now = time.perf_counter()
        self._tally.latencies.append(now - self._sent_at)
        if not head.split(b" ", 2)[1].startswith(b"2"):
            self._tally.failures += 1
            self._tally.first_failure = (
                self._tally.first_failure or (head + body).decode(errors="replace")[:400]
            )
        self._buffer = b""
        if now < self._stop_at:
            self._send()
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server closed as a failure."""
        if not self._done.done():
            self._tally.failures += 1
            self._tally.first_failure = self._tally.first_failure or f"connection closed: {exc}"
            self._done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101  set before the first request
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _request(options: argparse.Namespace) -> bytes:
    body: bytes = options.body.encode()
    head = [
        f"{'POST' if body else 'GET'} {options.path} HTTP/1.1",
        f"Host: 127.0.0.1:{options.port}",
        "Connection: keep-alive",
    ]
    if options.token:
        head.append(f"Authorization: Bearer {options.token}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


async def _run(options: argparse.Namespace) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    tally = Tally()
    started = time.perf_counter()
    waits = []
    for _ in range(options.callers):
        done = loop.create_future()
        make = partial(Caller, _request(options), tally, started + options.seconds, done)
        await loop.create_connection(make, "127.0.0.1", options.port)
        waits.append(done)
    await asyncio.gather(*waits)
    seconds = time.perf_counter() - started
    ordered = sorted(tally.latencies) or [float("nan")]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "requests": len(tally.latencies),
        "failures": tally.failures,
        "first_failure": tally.first_failure,
        "seconds": seconds,
        "per_second": len(tally.latencies) / seconds,
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


def main() -> None:
    """Run the load that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--body", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    json.dump(asyncio.run(_run(parser.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
