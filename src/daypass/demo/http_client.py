"""HTTP clients of the portal's API and of the console."""

import http.cookiejar
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a browser shows it, after redirects."""

    url: str
    text: str


class Browser:
    """A browser without script: it keeps cookies, follows redirects and sends forms."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = _opener(cookies, urllib.request.HTTPSHandler(context=trust))

    def open(self, url: str) -> Page:
        """Return the page at the URL."""
        request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310  the demo's own
        return self._page(request)

    def submit(self, url: str, fields: Mapping[str, str]) -> Page:
        """Send a form of the same site; return the page that follows."""
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        return self._page(
            urllib.request.Request(  # noqa: S310  the address is the demo's own
                url, data=urllib.parse.urlencode(fields).encode(), headers={"Origin": origin}
            )
        )

    def _page(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return Page(response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url, error.read().decode())


def _opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    # The demo is on this machine, so a proxy from the environment must not be used.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
