"""Trouble on demand: what AWS does on a bad day, for the actions and as often as a test says."""

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
    """What goes wrong."""

    THROTTLE = "throttle"
    """The service's own "slow down"."""
    DELAY = "delay"
    """The answer comes `seconds` late."""
    ERROR = "error"
    """The service's own internal error, 500."""
    RESET = "reset"
    """The connection breaks off without an answer."""
    GARBAGE = "garbage"
    """200, and a body that is no answer at all."""
    SLOW_IAM = "slow_iam"
    """STS does not see a new role until `seconds` after its creation."""


@dataclass(slots=True)
class Fault:
    """One switch. Without `action` it holds for the whole service, without `count` until it is cleared."""

    kind: FaultKind
    service: str = "*"
    action: str = "*"
    count: int | None = None
    seconds: float = 0.0
    hits: int = 0

    def matches(self, service: str, action: str) -> bool:
        """Whether the switch is on for this call."""
        spent = self.count is not None and self.hits >= self.count
        return not spent and self.service in ("*", service) and self.action in ("*", action)


class Faults:
    """All switches of one sandbox."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def iam_lag(self) -> timedelta:
        """How long a new role stays unseen by STS."""
        lags = [fault.seconds for fault in self._faults if fault.kind is FaultKind.SLOW_IAM]
        return timedelta(seconds=max(lags, default=0.0))

    def add(self, fault: Fault) -> None:
        """Turn one more on."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Turn all off."""
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All switches, spent ones too, with how often each has struck."""
        return [asdict(fault) for fault in self._faults]

    async def strike(self, service: str, action: str) -> Fault | None:
        """Wait out every delay for this call; answers the first fault that takes the place of an answer."""
        decisive = None
        for fault in self._faults:
            if fault.kind is FaultKind.SLOW_IAM or not fault.matches(service, action):
                continue
            if fault.kind is FaultKind.DELAY:
                fault.hits += 1
                await asyncio.sleep(fault.seconds)
            elif decisive is None:
                fault.hits += 1
                decisive = fault
        return decisive


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
    """What *service* says when *fault* strikes it."""
    if fault.kind is FaultKind.GARBAGE:
        return 200, {"Content-Type": "text/html"}, b"<html><body>It works!\x00\xff"
    if fault.kind is FaultKind.THROTTLE:
        failure = _THROTTLED.get(service, (400, "Throttling", "Rate exceeded"))
    else:
        failure = _FAILED.get(service, (500, "InternalFailure", "An internal error occurred."))
    return ministack.error(service, *failure, headers)


def break_connection(scope: Scope) -> None:
    """Close the request's TCP connection under the server's feet: ASGI has no word for that."""
    client = (scope["client"][0], int(scope["client"][1]))
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as connection:
            if connection.getpeername() == client:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
                return
