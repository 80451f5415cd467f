"""Opening a secret URL in a browser without exposing it on a command line."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from time import monotonic

from daypass.cli.runtime import browser
from daypass.cli.runtime.loopback_server import LoopbackServer, Reply, Request


class OneTimeRedirect:
    """A server on 127.0.0.1 that redirects from a random path to *link*, once."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._path = f"/{secrets.token_hex(16)}"
        self._lock = Lock()
        self._is_used = False
        self._loopback = LoopbackServer(self._reply)

    def open_in_browser(self, choice: str, environment: Mapping[str, str], seconds: float) -> bool:
        """Open the browser and return whether it fetched the link within *seconds*."""
        address = f"http://{self._loopback.authority}{self._path}"
        process = browser.open_url(address, choice, environment)
        try:
            end = monotonic() + seconds
            # Some browsers run until the user closes them, so only a failure of the process ends the wait.
            while self._loopback.delivered is None and monotonic() < end and not process.poll():
                self._loopback.serve(0.5)
        finally:
            self._loopback.close()
        return self._loopback.delivered is True

    def _reply(self, request: Request) -> Reply:
        with self._lock:
            if request.target != self._path or self._is_used:
                return Reply(HTTPStatus.NOT_FOUND)
            self._is_used = True
        return Reply(
            HTTPStatus.FOUND,
            headers={"Location": self._link, "Referrer-Policy": "no-referrer"},
            is_last=True,
        )
