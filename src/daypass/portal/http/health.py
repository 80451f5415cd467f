"""Whether the process is alive, and whether it can do its work just now."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.errors import PortalError
from daypass.portal.http.caller import Permission
from daypass.portal.http.doorway import Open
from daypass.portal.http.pool import Pool
from daypass.portal.http.route import exact
from daypass.portal.storage.engine import Database

PROBES = ("/healthz", "/readyz")

_KEPT = 1.0
"""Seconds that an answer stands: asking often must not be a way to keep the database busy."""


class Readiness:
    """An endpoint that says whether the database takes records; AWS was asked at start."""

    permission = Permission.ANYBODY

    def __init__(self, database: Database, pool: Pool, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._pool = pool
        self._monotonic = monotonic
        self._asked_at = -_KEPT
        self._refusal: PortalError | None = None

    async def __call__(self, _request: Request) -> Response:
        """Ready, or the refusal that everybody would get."""
        now = self._monotonic()
        if now - self._asked_at >= _KEPT:
            self._asked_at = now
            self._refusal = await self._ask()
        if self._refusal is not None:
            raise self._refusal
        return JSONResponse({"status": "ready", "database_profile": self._database.profile})

    async def _ask(self) -> PortalError | None:
        try:
            await self._pool.run(self._write_nothing)
        except PortalError as refusal:
            return refusal
        return None

    def _write_nothing(self) -> None:
        with self._database.writing():
            pass


def health_routes(
    database: Database, pool: Pool, monotonic: Callable[[], float] = time.monotonic
) -> list[BaseRoute]:
    """What a load balancer asks."""
    alive = Open(lambda: JSONResponse({"status": "ok"}))
    return [
        exact("GET", PROBES[0], alive),
        exact("GET", PROBES[1], Readiness(database, pool, monotonic)),
    ]
