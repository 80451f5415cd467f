"""The portal and the console as somebody meets them from outside: over TLS, with nothing but a token."""

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
    """What the portal said."""

    status: int
    body: dict[str, Any]

    @property
    def refusal(self) -> str:
        """The status and the sentence of a refusal."""
        return f"{self.status} {self.body.get('code', '')}: {self.body.get('detail', '')}"


@dataclass(frozen=True, slots=True)
class HttpClient:
    """Somebody with a token; trusts the demo's own authority and no other."""

    portal_url: str
    trust: ssl.SSLContext
    token: str

    def session(self, **ask: object) -> Answer:
        """Ask for AWS access, by the fields of `POST /api/v1/sessions`."""
        request = urllib.request.Request(  # noqa: S310  the address is the portal's own
            f"{self.portal_url}/api/v1/sessions",
            data=json.dumps(ask).encode(),
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
    """Whether this address answers well just now."""
    try:
        with _opener(urllib.request.HTTPSHandler(context=trust)).open(url, timeout=TIMEOUT):
            return True
    except OSError:
        return False


def browse(url: str) -> str:
    """Open a page as a browser does, with cookies and redirects; answers the page it ends on."""
    with _opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open(
        url, timeout=TIMEOUT
    ) as response:
        return str(response.read().decode())


def _opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    # All of the demo is on this machine: a proxy of the environment has no business in between.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
