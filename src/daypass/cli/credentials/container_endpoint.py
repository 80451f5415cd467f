"""An AWS container credentials endpoint on 127.0.0.1, protected by a token."""

import json
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock

from daypass.cli.cache.credentials import Credentials
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
        renew: Callable[[], Credentials],
        now: Callable[[], float],
        redact: Callable[[str], str],
        port: int = 0,
    ) -> None:
        self._renew, self._now, self._redact = renew, now, redact
        self._lock = Lock()
        self._credentials = renew()
        self._answer = _response_body(self._credentials)
        self._token = secrets.token_hex(32)
        self.loopback = LoopbackServer(self._reply, port)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables with which an AWS SDK finds the endpoint."""
        return {URI_VARIABLE: f"http://{self.loopback.authority}{PATH}", TOKEN_VARIABLE: self._token}

    @property
    def credentials(self) -> Credentials:
        """The credentials that are served currently."""
        return self._credentials

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
            if not self._credentials.is_served(self._now()):
                self._credentials = self._renew()
                self._answer = _response_body(self._credentials)
            return self._answer


def _response_body(credentials: Credentials) -> bytes:
    keys = credentials.keys()
    answer = {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "Token": keys.session_token,
        "Expiration": keys.expiration,
        "RoleArn": credentials.metadata().role,
    }
    return json.dumps(answer).encode()


def _error(status: HTTPStatus, sentence: str) -> Reply:
    return Reply(status, json.dumps({"code": status.phrase, "message": sentence}).encode(), _JSON)


def _status(refusal: Refusal) -> HTTPStatus:
    if isinstance(refusal, SignInNeeded):
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.FORBIDDEN if isinstance(refusal, Denied) else HTTPStatus.SERVICE_UNAVAILABLE
