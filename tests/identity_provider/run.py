"""The OpenID provider as a process of its own, and a browser for its pages."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import urllib3

from tests.node_packages import installed

_HERE = Path(__file__).parent
_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A running provider; a test registers its clients and accounts."""

    issuer: str

    def add_client(self, client_id: str, redirect_uris: Sequence[str], **metadata: object) -> None:
        """Register a client, by the metadata of OpenID Connect Dynamic Client Registration.

        Without a `client_secret`, it is a public one.
        """
        is_public = "client_secret" not in metadata
        method = {"token_endpoint_auth_method": "none"} if is_public else {}
        self._control("PUT", f"clients/{quote(client_id, safe='')}", {
            "redirect_uris": [*redirect_uris], **method, **metadata
        })  # fmt: skip

    def add_account(
        self, subject: str, *, login: Mapping[str, object] | None = None, **claims: object
    ) -> None:
        """Add or replace an account, whose button has its claim `name`, or its subject.

        *login* has how the next login was done: `acr`, `amr`, and its time as `ts`, in seconds.
        """
        self._control("PUT", f"accounts/{quote(subject, safe='')}", {"login": login or {}, "claims": claims})

    def reset(self) -> None:
        """Forget clients, accounts and sessions."""
        self._control("POST", "reset", {})

    def logout_token(self, client_id: str, subject: str | None, sid: str | None) -> str:
        """Return a logout token, as the provider sends them."""
        wanted = {"client_id": client_id, "sub": subject, "sid": sid}
        token: str = self._control("POST", "logout-token", wanted)["token"]
        return token

    def log_out_by_back_channel(self, client_id: str, subject: str, sid: str) -> None:
        """Send a logout token to the client's `backchannel_logout_uri`; anything but 200 is an error."""
        wanted = {"client_id": client_id, "sub": subject, "sid": sid, "is_sent": True}
        self._control("POST", "logout-token", wanted)

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document."""
        answered = urllib3.request("GET", f"{self.issuer}/.well-known/openid-configuration", timeout=_TIMEOUT)
        document: dict[str, Any] = answered.json()
        return document

    def _control(self, method: str, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        answered = urllib3.request(
            method, f"{self.issuer}/control/{path}", json=body, timeout=_TIMEOUT, retries=False
        )
        assert answered.status == 200, answered.data
        answer: dict[str, Any] = answered.json()
        return answer


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser without scripts, with its cookies; its session at the provider stays between sign-ins."""

    cookies: CookieJar = field(default_factory=CookieJar)

    def sign_in(self, url: str, account: str, redirect_uri: str) -> dict[str, str]:
        """Open an authorization request, press the account's button if asked, and return the answer.

        The answer is the parameters with which the provider sends the browser to *redirect_uri*; an empty
        account presses *Cancel*.
        """
        for _ in range(10):
            location, page = self._open(url)
            if location is None:
                location, page = self._open(*_submitted(url, page, account))
            assert location is not None, page
            url = urljoin(url, location)
            if url.partition("?")[0] == redirect_uri:
                return dict(parse_qsl(urlsplit(url).query))
        raise AssertionError(f"the provider redirects without an end, at last to {url}")

    def _open(self, url: str, form: bytes | None = None) -> tuple[str | None, str]:
        opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _RedirectsAreAnswers()
        )
        try:
            with opener.open(url, form, timeout=_TIMEOUT) as answered:
                return None, answered.read().decode()
        except HTTPError as error:
            with error:
                return error.headers.get("location"), error.read().decode()


def _submitted(url: str, page: str, account: str) -> tuple[str, bytes]:
    """Return the address and the values of the form of a page; some are submitted by a script."""
    form = re.search(r"<form [^>]*>", page)
    assert form is not None, page
    action = re.search(r'action="([^"]*)"', form[0])
    values = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))
    if 'name="account"' in page:
        values["account"] = account
    return urljoin(url, action[1] if action else ""), urlencode(values).encode()


class _RedirectsAreAnswers(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: object, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return no further request, so that the redirect itself is raised as `HTTPError`."""


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """Run a provider until the end of the block; it ends as well if this process does."""
    program = installed(_HERE, ["provider.mjs"]) / "provider.mjs"
    with subprocess.Popen(
        ["node", "--no-warnings", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield IdentityProvider(ready["issuer"])
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            finally:
                process.kill()
