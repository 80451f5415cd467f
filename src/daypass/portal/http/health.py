"""Liveness and readiness probes."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daypass.portal.access.issuing_status import IssuingStatus
from daypass.portal.audit.readiness_probe import WriteProbe
from daypass.portal.errors import PortalError, StorageUnavailable
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.core.endpoints import PublicEndpoint
from daypass.portal.http.core.problems import problem
from daypass.portal.http.core.routing import exact
from daypass.portal.http.services import Services
from daypass.portal.telemetry.error_events import FailureLog

LIVENESS, READINESS = "/healthz", "/readyz"

_FRESH = 1.0
"""Seconds for which an answer is reused, so that frequent probes do not load the database."""

_PATIENCE = timedelta(seconds=2)
"""The time for a write, after which the replica counts as not ready."""


class Readiness:
    """The readiness probe: 200 while a write becomes durable in time, else 503.

    The write runs on a thread of its own, so that it does not wait behind requests. At most one runs at a
    time: a probe that finds one running waits for its result. Faults of AWS are reported in the body only.
    They concern all replicas alike, and pages, audit and revocation work without AWS.
    """

    permission = Permission.PUBLIC

    def __init__(
        self,
        write: Callable[[], None],
        issuing: Callable[[], IssuingStatus],
        monotonic: Callable[[], float],
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._write = write
        self._issuing = issuing
        self._monotonic = monotonic
        self._patience = patience.total_seconds()
        self._failures = FailureLog("readiness")
        # Used by the event loop's thread only.
        self._running: Future[PortalError | None] | None = None
        self._started_at = 0.0

    async def __call__(self, _request: Request) -> Response:
        """Return the readiness, at most a second old, or raise why the replica is not ready."""
        now = self._monotonic()
        running = self._running
        if running is None or (running.done() and now - self._started_at >= _FRESH):
            running, self._started_at = self._start(), now
            self._running = running
        remaining = self._started_at + self._patience - now
        if not running.done() and remaining > 0:
            await asyncio.wait([asyncio.wrap_future(running)], timeout=remaining)
        refusal = running.result() if running.done() else _TOO_SLOW
        if refusal is not None:
            # A new object: the traceback of a raised one grows with each use.
            raise type(refusal)(refusal.reason) from refusal
        return JSONResponse({"status": "ready", **_described(self._issuing())})

    def _start(self) -> "Future[PortalError | None]":
        running: Future[PortalError | None] = Future()
        running.set_running_or_notify_cancel()
        # A daemon: a write that hangs must not keep the process from ending.
        threading.Thread(target=self._probe, args=(running,), name="readiness", daemon=True).start()
        return running

    def _probe(self, running: "Future[PortalError | None]") -> None:
        refusal: PortalError | None = None
        try:
            self._write()
        except PortalError as error:
            refusal = error
        except Exception as error:  # any other failure would also prevent a session from being issued
            self._failures.failed(error)
            refusal = StorageUnavailable("The portal's database does not accept writes.")
        else:
            self._failures.succeeded()
        running.set_result(refusal)


_TOO_SLOW = StorageUnavailable("The portal's database does not complete a write in time.")


def _described(status: IssuingStatus) -> dict[str, object]:
    described: dict[str, object] = {"issuing": status.is_issuing}
    if status.reason is not None:
        described["reason"] = status.reason
    return described


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the probes of load balancers and orchestrators."""
    write = WriteProbe(services.database, services.committer, services.clock)
    alive = PublicEndpoint(lambda: JSONResponse({"status": "ok"}))
    ready = Readiness(write, services.issuing, time.monotonic)
    app = make_channel_app([exact("GET", LIVENESS, alive), exact("GET", READINESS, ready)], problem)
    return [ChannelApp("health", (LIVENESS, READINESS), app)]
