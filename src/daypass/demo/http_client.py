"""HTTP clients of the portal's API and of the console."""

import http.cookiejar
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the portal's API."""

    status: int
    body: dict[str, Any]

    @property
    def refusal(self) -> str:
        """Status, code and detail of an error."""
        return f"{self.status} {self.body.get('code', '')}: {self.body.get('detail', '')}"


@dataclass(frozen=True, slots=True)
class HttpClient:
    """A client of the portal with an API token; trusts the demo's certificate authority alone."""

    portal_url: str
    trust: ssl.SSLContext
    token: str

    def session(self, **fields: object) -> Answer:
        """Request AWS access with the fields of `POST /api/v1/sessions`."""
        request = urllib.request.Request(  # noqa: S310  the address is the portal's own
            f"{self.portal_url}/api/v1/sessions",
            data=json.dumps(fields).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        opener = _opener(urllib.request.HTTPSHandler(context=self.trust))
        try:
            with opener.open(request, timeout=TIMEOUT) as response:
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))


def is_answering(url: str, trust: ssl.SSLContext) -> bool:
    """Return whether the URL answers without an error status."""
    try:
        with _opener(urllib.request.HTTPSHandler(context=trust)).open(url, timeout=TIMEOUT):
            return True
    except OSError:
        return False


def browse(url: str) -> str:
    """Return the page at the URL, following redirects with cookies as a browser does."""
    with _opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open(
        url, timeout=TIMEOUT
    ) as response:
        return str(response.read().decode())


def _opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    # The demo is on this machine, so a proxy from the environment must not be used.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
