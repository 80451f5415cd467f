"""The listening socket, and the wait for a port that a predecessor still holds."""

import errno
import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address

from daypass.portal.server.errors import ServeError

BACKLOG = 1024
_LONGEST_WAIT = timedelta(seconds=10)
_SAID_AFTER = 1.0
_INTERVAL = 0.05


def bind(
    host: str,
    port: int,
    patience: timedelta = timedelta(0),
    on_wait: Callable[[], None] = lambda: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    variable: str = "DAYPASS_LISTEN",
) -> socket.socket:
    """Return a listening socket; port 0 is any free port.

    Raises `ServeError`, which names the *variable* of the address, if it cannot be bound.

    A port that is in use is tried again for *patience*: the processes of a predecessor that was killed end
    within moments. *on_wait* is called once, after a second of waiting.
    """
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    began, has_said = monotonic(), False
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            waited = monotonic() - began
            if error.errno != errno.EADDRINUSE or waited >= patience.total_seconds():
                raise ServeError(
                    # The error's own text repeats the address in Python's notation.
                    f"Port {port} of {host} cannot be had ({os.strerror(error.errno or 0).lower()}). "
                    f"Choose another with {variable}."
                ) from error
        if waited >= _SAID_AFTER and not has_said:
            on_wait()
            has_said = True
        sleep(_INTERVAL)


def wait_for_predecessor(stop_timeout: timedelta) -> timedelta:
    """Return how long a start waits for its port: the stop timeout, but ten seconds at most.

    Another program that holds the port is reported after that time.
    """
    return min(stop_timeout, _LONGEST_WAIT)
