"""The control API: clock, faults and state. Every request needs the control token."""

import hmac
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.faults import Fault, FaultKind, Faults

CONTROL_HEADER = "X-Sandbox-Control"
CONTROL_PREFIX = "/_sandbox"


@dataclass(frozen=True, slots=True)
class ControlApi:
    """The endpoints of the control API."""

    config: SandboxConfig
    clock: SandboxClock
    faults: Faults
    calls: Counter[str] = field(default_factory=Counter)
    """The number of calls of each action, such as `sts:AssumeRole`."""

    def routes(self) -> list[Route]:
        """Return the routes of the control API."""
        return [
            Route(f"{CONTROL_PREFIX}/state", self._state, methods=["GET"]),
            Route(f"{CONTROL_PREFIX}/clock", self._move_clock, methods=["POST"]),
            Route(f"{CONTROL_PREFIX}/faults", self._add_fault, methods=["POST"]),
            Route(f"{CONTROL_PREFIX}/faults", self._clear_faults, methods=["DELETE"]),
        ]

    async def _state(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(self._state_content())

    async def _move_clock(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        body = await _json(request)
        try:
            self.clock.move(timedelta(seconds=float(body["seconds"])))
        except (KeyError, TypeError, ValueError, OverflowError):
            return JSONResponse({"error": "`seconds` must be a number."}, 400)
        return JSONResponse(self._state_content())

    async def _add_fault(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        body = await _json(request)
        try:
            fault = Fault(
                kind=FaultKind(body["kind"]),
                service=str(body.get("service", "*")),
                action=str(body.get("action", "*")),
                count=None if body.get("count") is None else int(body["count"]),
                seconds=float(body.get("seconds", 0)),
                after=int(body.get("after", 0)),
            )
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": f"`kind` must be one of {', '.join(FaultKind)}."}, 400)
        self.faults.add(fault)
        return JSONResponse(self._state_content())

    async def _clear_faults(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        self.faults.clear()
        return JSONResponse(self._state_content())

    def _refusal(self, request: Request) -> Response | None:
        token = request.headers.get(CONTROL_HEADER, "")
        # `compare_digest` refuses text that is not ASCII.
        if hmac.compare_digest(token.encode(), self.config.control_token.encode()):
            return None
        return JSONResponse({"error": f"Send the control token in {CONTROL_HEADER}."}, 403)

    def _state_content(self) -> dict[str, Any]:
        return {
            "now": self.clock.now().isoformat(),
            "offset_seconds": self.clock.offset.total_seconds(),
            "faults": self.faults.listed(),
            "calls": dict(self.calls),
        }


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
