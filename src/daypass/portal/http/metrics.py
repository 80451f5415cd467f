"""The metrics at /metrics, behind a token on the portal's own address or on a listener of their own."""

import asyncio
import platform
import time
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from daypass.portal.access.issuance_numbers import IssuanceNumbers
from daypass.portal.errors import Unauthenticated
from daypass.portal.http.core.authentication import Permission, bearer_token
from daypass.portal.http.core.dispatcher import ChannelApp, Dispatcher, make_channel_app
from daypass.portal.http.core.middleware import RequestMiddleware
from daypass.portal.http.core.problems import problem
from daypass.portal.http.core.routing import exact
from daypass.portal.http.services import Services
from daypass.portal.secret import Secret
from daypass.portal.telemetry import metrics
from daypass.portal.telemetry.metrics_exposition import exposition
from daypass.portal.telemetry.metrics_readings import CachedReadings

PATH = "/metrics"

Collect = Callable[[str], tuple[bytes, str]]
"""Returns the metrics and their content type for a header Accept; may block."""


class Scrape:
    """The endpoint of a scraper, with the token that it must send; None if it needs none.

    Scrapes are answered one after the other, in a thread that no other request waits for.
    """

    def __init__(self, collect: Collect, token: Secret | None) -> None:
        self.permission = Permission.PUBLIC if token is None else Permission.METRICS
        self._collect = collect
        self._token = token
        self._collecting = asyncio.Lock()

    async def __call__(self, request: Request) -> Response:
        """Return the metrics, or raise `Unauthenticated`."""
        if self._token is not None and Secret(bearer_token(request)) != self._token:
            raise Unauthenticated(
                "The metrics are for the scraper only. It sends the token of DAYPASS_METRICS_TOKEN as "
                "“Authorization: Bearer TOKEN”."
            )
        async with self._collecting:
            body, content_type = await asyncio.to_thread(self._collect, request.headers.get("accept", ""))
        return Response(body, media_type=content_type)


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the channel for the portal's own address; without a token it has none there."""
    token = services.config.metrics.token
    return [] if token is None else [_channel(services, token)]


def build_listener(services: Services) -> RequestMiddleware:
    """Build the ASGI application of the listener that serves nothing but the metrics, without a token."""
    channel = _channel(services, None)
    return RequestMiddleware(
        Dispatcher([ChannelApp(channel.name, ("",), channel.app)]),
        access_log=services.config.logs.access_log,
    )


def process_gauges(services: Services) -> Callable[[], None]:
    """Return the function that sets the gauges of this process."""
    started_at = services.clock().timestamp()

    def sample() -> None:
        metrics.BUILD_INFO.set(1, services.release, platform.python_version())
        metrics.PROCESSES.set(1)
        metrics.START_TIME.set(started_at)
        for name, pool in services.pools.by_name.items():
            use = pool.use
            metrics.POOL_THREADS.set(use.threads, name)
            metrics.POOL_BUSY.set(use.busy, name)
            metrics.POOL_QUEUE.set(use.queued, name)
        metrics.ROLE_QUEUE.set(services.role_concurrency.waiting)
        metrics.COMMIT_QUEUE.set(services.committer.waiting)
        connections, in_use = services.database.connections
        metrics.DATABASE_CONNECTIONS.set(connections)
        metrics.DATABASE_IN_USE.set(in_use)

    return sample


def _channel(services: Services, token: Secret | None) -> ChannelApp:
    readings = CachedReadings(IssuanceNumbers(services.database, services.clock).read, time.monotonic)
    sample = process_gauges(services)

    def collect(accept: str) -> tuple[bytes, str]:
        sample()
        return exposition(accept, readings())

    return ChannelApp(
        "metrics", (PATH,), make_channel_app([exact("GET", PATH, Scrape(collect, token))], problem)
    )
