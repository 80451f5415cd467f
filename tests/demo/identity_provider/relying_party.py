"""A relying party of the tests' own: a browser with cookies, and a client, without code of the portal."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.types import ASGIApp

from daypass.demo.identity_provider.app import make_app
from daypass.demo.identity_provider.settings import Client, Person, ProviderSettings
from daypass.portal.secret import Secret
from tests.portal.http.client import Answer
from tests.portal.http.client import Client as HttpClient

PORTAL = "https://portal.example.com"
CALLBACK = f"{PORTAL}/sign-in/oidc/demo/callback"
SIGNED_OUT = f"{PORTAL}/sign-in"
ID, SECRET = "portal", "a secret+of/the client"
VERIFIER = "v" * 43
DANA = Person("dana@example.com", "Dana", ("developers", "readers"))
NOOR = Person("noor@example.com", "Noor", ())
ISSUER = "http://127.0.0.1:8444"


def settings(folder: Path, backchannel: str = "http://127.0.0.1:9/logout") -> ProviderSettings:
    """Return settings with two people."""
    client = Client(ID, Secret(SECRET), CALLBACK, SIGNED_OUT, backchannel)
    return ProviderSettings(8444, client, (DANA, NOOR), str(folder / "provider-key.pem"))


@dataclass
class MovedClock:
    """A clock that stands still until a test moves it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def basic(client_id: str = ID, secret: str = SECRET) -> tuple[str, str]:
    """Return the header of client_secret_basic."""
    pair = urlencode({client_id: secret}).replace("=", ":", 1)
    return "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass
class RelyingParty:
    """A browser and a client of a provider."""

    provider: ProviderSettings
    clock: MovedClock
    app: ASGIApp = field(init=False)
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = make_app(self.provider, self.clock)

    # The browser.

    def browse(
        self, method: str, address: str, fields: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        """Send a request of the browser, and keep its cookies."""
        headers = {"Host": "127.0.0.1:8444", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if method == "POST":
            headers["Origin"] = ISSUER
        path, _, query = address.partition("?")
        answer = HttpClient(self.app).send(
            method,
            path,
            query=query,
            body=urlencode(fields or {}).encode(),
            headers=list((headers | more).items()),
        )
        for name, value in answer.headers:
            if name == "set-cookie" and (match := re.match(r'([^=]+)="?([^";]*)', value)):
                self.cookies[match[1]] = match[2]
        return answer

    def request(self, **changes: str | None) -> str:
        """Return the address of an authorization request; None omits a parameter."""
        values = {
            "response_type": "code",
            "client_id": ID,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email groups",
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return "/authorize?" + urlencode({name: value for name, value in values.items() if value is not None})

    def choose(self, person: Person, *, second_factor: bool = False, **changes: str | None) -> dict[str, str]:
        """Open the page, press a person's button, and return the parameters of the answer."""
        page = self.browse("GET", self.request(**changes))
        assert page.status == 200, page
        action = re.search(r'<form method="post" action="([^"]+)"', page.body.decode())
        assert action is not None, page.body
        fields = {"person": person.username} | ({"second_factor": "yes"} if second_factor else {})
        return answered(self.browse("POST", unescape(action[1]), fields))

    # The client.

    def call(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *headers: tuple[str, str]
    ) -> Answer:
        """Send a request of the client."""
        body = urlencode(fields or {}).encode()
        return HttpClient(self.app).send(
            method, path, body=body, headers=[("Host", "127.0.0.1:8444"), *headers]
        )

    def exchange(self, code: str, *authorization: tuple[str, str], **changes: str) -> Answer:
        """Exchange a code, with client_secret_basic unless another *authorization* is given."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.call("POST", "/token", form, *(authorization or (basic(),)))

    def tokens(self, code: str) -> dict[str, Any]:
        """Exchange a code, which must succeed."""
        answer = self.exchange(code)
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and claims of a token that a key of the provider signed."""
        keys = KeySet.import_key_set(self.call("GET", "/keys").json)
        decoded = jwt.decode(token, keys, algorithms=["RS256"])
        return decoded.header, decoded.claims

    def sign_in(self, person: Person, **more: Any) -> dict[str, Any]:  # noqa: ANN401  see `choose`
        """Sign in and return the claims of the ID token."""
        return self.verified(self.tokens(self.choose(person, **more)["code"])["id_token"])[1]


def answered(answer: Answer) -> dict[str, str]:
    """Return the parameters with which the browser is sent back to the client."""
    assert answer.status == 303, answer
    location = urlsplit(answer.header("location") or "")
    assert location._replace(query="").geturl() == CALLBACK
    return dict(parse_qsl(location.query))
