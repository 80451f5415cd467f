"""An AWS container credentials endpoint on 127.0.0.1, protected by a token."""

import json
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock

from daypass.cli.cache.entries import Entry
from daypass.cli.runtime.errors import Denied, Refusal, SignInNeeded
from daypass.cli.runtime.loopback_server import LoopbackServer, Reply, Request

PATH = "/credentials"

URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  the name of a variable

_JSON = {"Content-Type": "application/json"}


class ContainerEndpoint:
    """Serves credentials from memory and renews them before they expire; nothing is written to disk."""

    def __init__(
        self,
        renew: Callable[[], Entry],
        now: Callable[[], float],
        redact: Callable[[str], str],
        port: int = 0,
    ) -> None:
        self._renew, self._now, self._redact = renew, now, redact
        self._lock = Lock()
        self._entry = renew()
        self._answer = _response_body(self._entry)
        self._token = secrets.token_hex(32)
        self.loopback = LoopbackServer(self._reply, port)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables with which an AWS SDK finds the endpoint."""
        return {URI_VARIABLE: f"http://{self.loopback.authority}{PATH}", TOKEN_VARIABLE: self._token}

    @property
    def entry(self) -> Entry:
        """The credentials that are served currently."""
        return self._entry

    def _reply(self, request: Request) -> Reply:
        if "origin" in request.headers:
            # SDKs never send Origin: the request comes from a web page.
            return Reply(HTTPStatus.FORBIDDEN)
        if request.target != PATH:
            return Reply(HTTPStatus.NOT_FOUND)
        token = request.headers.get("authorization", "")
        if not compare_digest(token.encode("latin-1"), self._token.encode()):
            return _error(HTTPStatus.UNAUTHORIZED, f"The token in {TOKEN_VARIABLE} is not the right one.")
        try:
            return Reply(HTTPStatus.OK, self._current(), _JSON)
        except Refusal as refusal:
            return _error(_status(refusal), self._redact(str(refusal)))

    def _current(self) -> bytes:
        with self._lock:
            if not self._entry.is_good(self._now()):
                self._entry = self._renew()
                self._answer = _response_body(self._entry)
            return self._answer


def _response_body(entry: Entry) -> bytes:
    keys, about = json.loads(entry.answer), json.loads(entry.about)
    answer = {
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "Token": keys["SessionToken"],
        "Expiration": keys["Expiration"],
        "RoleArn": about["role"],
    }
    return json.dumps(answer).encode()


def _error(status: HTTPStatus, sentence: str) -> Reply:
    return Reply(status, json.dumps({"code": status.phrase, "message": sentence}).encode(), _JSON)


def _status(refusal: Refusal) -> HTTPStatus:
    if isinstance(refusal, SignInNeeded):
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.FORBIDDEN if isinstance(refusal, Denied) else HTTPStatus.SERVICE_UNAVAILABLE
