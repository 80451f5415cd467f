"""A client of the control API, for demo and tests. Standard library only."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ControlClient:
    """A client that controls the clock and the faults of a running sandbox."""

    endpoint_url: str
    token: str = field(repr=False)

    def move_clock(self, by: timedelta) -> datetime:
        """Move the sandbox's clock and return its new time."""
        state = self._call("POST", "clock", {"seconds": by.total_seconds()})
        return datetime.fromisoformat(state["now"])

    def add_fault(
        self,
        kind: str,
        service: str = "*",
        action: str = "*",
        *,
        count: int | None = None,
        delay: timedelta = timedelta(),
        after: int = 0,
    ) -> None:
        """Add a fault; `faults.FaultKind` lists the kinds. *delay* is for `delay` and `slow_iam`.

        The fault passes over the first *after* calls.
        """
        self._call(
            "POST",
            "faults",
            {
                "kind": kind,
                "service": service,
                "action": action,
                "count": count,
                "seconds": delay.total_seconds(),
                "after": after,
            },
        )

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "faults")

    def reset(self) -> None:
        """Remove all faults and reset the clock to the machine's."""
        self.clear_faults()
        self.move_clock(timedelta(seconds=-self.state()["offset_seconds"]))

    def state(self) -> dict[str, Any]:
        """Return `now`, `offset_seconds`, `faults` with their hits, and `calls` by action."""
        return self._call("GET", "state")

    def _call(self, method: str, resource: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        address = urlsplit(self.endpoint_url)
        # Not urllib, which would send the request through a proxy of the environment.
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            content = None if body is None else json.dumps(body)
            # The values of CONTROL_PREFIX and CONTROL_HEADER, whose module would load Starlette and
            # MiniStack.
            connection.request(method, f"/_sandbox/{resource}", content, {"X-Sandbox-Control": self.token})
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"The sandbox's control API answered {response.status}: {answer.get('error')}")
        return answer
