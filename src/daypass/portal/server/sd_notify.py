"""State messages to systemd (sd_notify(3)), for units with `Type=notify` or `Type=notify-reload`."""

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceNotifier:
    """Sends state messages to the socket that systemd names in `NOTIFY_SOCKET`; none if it names none."""

    address: str
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ServiceNotifier":
        """Return the notifier for the socket of that environment."""
        return cls(environ.get("NOTIFY_SOCKET", ""))

    def ready(self) -> None:
        """Say that the start, or a reload, is complete; also after a reload that failed."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that a reload begins. systemd compares the time with that of its signal."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={self.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the stop begins."""
        self._send("STOPPING=1")

    def _send(self, *assignments: str) -> None:
        if not self.address.startswith(("/", "@")):
            return
        # An abstract socket's name begins with a null byte, which an environment variable cannot contain.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A service manager that does not listen must not affect the service.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto("\n".join(assignments).encode(), address)
