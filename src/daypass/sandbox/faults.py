"""Fault injection: errors, delays and throttling of AWS, for chosen actions and a chosen number of calls."""

import asyncio
import os
import socket
import struct
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from starlette.types import Scope

from daypass.sandbox.ministack.server import Answer, MiniStack


class FaultKind(StrEnum):
    """The kind of a fault."""

    THROTTLE = "throttle"
    """The service's throttling error."""
    DELAY = "delay"
    """The response is delayed by `seconds`."""
    ERROR = "error"
    """The service's internal error, 500."""
    RESET = "reset"
    """The connection is reset without a response."""
    GARBAGE = "garbage"
    """Status 200 with an invalid body."""
    SLOW_IAM = "slow_iam"
    """A new role is invisible to STS for `seconds` after its creation."""


@dataclass(slots=True)
class Fault:
    """A fault. Without `action` it applies to the whole service, without `count` until it is cleared.

    It passes over the first `after` calls.
    """

    kind: FaultKind
    service: str = "*"
    action: str = "*"
    count: int | None = None
    seconds: float = 0.0
    hits: int = 0
    after: int = 0
    passed: int = 0
    """The number of calls that it passed over."""

    def matches(self, service: str, action: str) -> bool:
        """Return whether the fault applies to this call."""
        is_exhausted = self.count is not None and self.hits >= self.count
        return not is_exhausted and self.service in ("*", service) and self.action in ("*", action)


class Faults:
    """All faults of one sandbox."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def iam_lag(self) -> timedelta:
        """The time for which a new role is invisible to STS."""
        lags = [fault.seconds for fault in self._faults if fault.kind is FaultKind.SLOW_IAM]
        return timedelta(seconds=max(lags, default=0.0))

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return all faults, including exhausted ones, with their number of hits."""
        return [asdict(fault) for fault in self._faults]

    async def strike(self, service: str, action: str) -> Fault | None:
        """Apply all delays to this call and return the first fault that replaces the response, if any."""
        replacing = None
        for fault in self._faults:
            # `iam_lag` applies slow IAM, which changes AWS's state and no call.
            if fault.kind is FaultKind.SLOW_IAM or not fault.matches(service, action):
                continue
            if fault.passed < fault.after:
                fault.passed += 1
                continue
            if fault.kind is FaultKind.DELAY:
                fault.hits += 1
                await asyncio.sleep(fault.seconds)
            elif replacing is None:
                fault.hits += 1
                replacing = fault
        return replacing


# Clients recognise throttling by these codes, which differ for each service.
_THROTTLED = {
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "dynamodb": (400, "ThrottlingException", "Rate exceeded"),
    "kinesis": (400, "LimitExceededException", "Rate exceeded"),
    "tagging": (400, "ThrottledException", "Rate exceeded"),
    "sqs": (403, "RequestThrottled", "Request is throttled."),
    "apigateway": (429, "TooManyRequestsException", "Too Many Requests"),
}
_FAILED = {
    "s3": (500, "InternalError", "We encountered an internal error. Please try again."),
    "dynamodb": (500, "InternalServerError", "Internal server error"),
}


def answer_of(fault: Fault, service: str, headers: dict[str, str], ministack: MiniStack) -> Answer:
    """Return the response of *service* under *fault*."""
    if fault.kind is FaultKind.GARBAGE:
        return 200, {"Content-Type": "text/html"}, b"<html><body>It works!\x00\xff"
    if fault.kind is FaultKind.THROTTLE:
        error = _THROTTLED.get(service, (400, "Throttling", "Rate exceeded"))
    else:
        error = _FAILED.get(service, (500, "InternalFailure", "An internal error occurred."))
    return ministack.error(service, *error, headers)


def break_connection(scope: Scope) -> None:
    """Reset the request's TCP connection by its file descriptor, because ASGI has no means for that."""
    client = (scope["client"][0], int(scope["client"][1]))
    # The descriptors of this process, on Linux and macOS. `socket` closes the descriptor that it is given, so
    # it gets a duplicate.
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as connection:
            if connection.getpeername() == client:
                # A linger time of zero makes the close send RST. The server closes its own descriptor once
                # the connection is shut down.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
                return
