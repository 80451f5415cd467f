"""The client of the portal's API. Every call ends within 30 seconds, with an answer or a `Refusal`."""

import http.client
import json
import os
import ssl
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from types import MappingProxyType

from daypass import __version__
from daypass.cli.api import errors
from daypass.cli.api.responses import UNREADABLE, read_json, read_moment
from daypass.cli.runtime.deadline import debug, with_timeout
from daypass.common.proxies import proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, Protocol

    from daypass.cli.api.tls import Trust
    from daypass.cli.cache.request import CredentialRequest
    from daypass.common.proxies import Proxy

    class Bearer(Protocol):
        """A source of bearer tokens for the portal's API."""

        def token(self) -> str:
            """Return the token to send; raise a `Refusal` if none can be obtained."""

        def renew(self, refused: str) -> str | None:
            """Return another token after the portal refused *refused*; None if there is none."""

        def step_up(self, refused: str) -> str | None:
            """Return the token of a new sign-in with admin access; None if there can be none."""

        def reauthenticate(self, refused: str, max_age: int) -> str | None:
            """Return the token of a new sign-in, with an authentication of the last *max_age* seconds.

            None if there can be none.
            """

        @property
        def is_from_another_command(self) -> bool:
            """Whether the token of the last step-up is of a session that another command began."""

        def signed_in_until(self) -> float | None:
            """Return when the session expires that issues the tokens; None for a fixed token."""


_DEADLINE = 30.0
"""Seconds for a whole call: name resolution, connection, redirection through a proxy and answer."""

_MAX_ANSWER_SIZE = 1024 * 1024

_LOST = (
    # http.client's RemoteDisconnected is a ConnectionResetError.
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    http.client.IncompleteRead,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""Exceptions of a connection that ended before the answer was complete. A timeout is none of them."""

NO_CONDITION: "Mapping[str, str]" = MappingProxyType({})

# This module is imported for every answer that is not cached. Importing dataclasses, typing or
# importlib.metadata would take longer than the call to the portal, so their use is avoided here.


class IssuedKeys:
    """AWS credentials as issued by the portal."""

    __slots__ = (
        "access",
        "expires_at",
        "keys",
        "note",
        "permission_set",
        "portal_time",
        "region",
        "role",
        "tenant_id",
        "user_id",
        "username",
        "validity",
    )

    def __init__(self, content: "Mapping[str, Any]", portal_time: "datetime | None") -> None:
        """Read the portal's answer; raise one of `UNREADABLE` if it is malformed."""
        keys, tenant = content["credentials"], content["tenant"]
        self.expires_at = read_moment(content["expires_at"])
        # The names and the version that credential_process prescribes.
        self.keys = {
            "Version": 1,
            "AccessKeyId": _text(keys["access_key_id"]),
            "SecretAccessKey": _text(keys["secret_access_key"]),
            "SessionToken": _text(keys["session_token"]),
            # RFC 3339 with Z: the SDKs of some languages cannot parse an offset.
            "Expiration": self.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        # None for admin access.
        self.tenant_id = None if tenant is None else _text(tenant["id"])
        self.role = _text(content["role_arn"])
        self.user_id = _text(content["user"]["id"])
        self.username = _text(content["user"]["username"])
        self.region = _text(content["region"])
        # Empty if the portal does not name it.
        self.access: str = content.get("access") or ""
        self.permission_set = errors.printable(content.get("permission_set") or self.access)
        self.validity = int(content["validity"])
        self.note = errors.printable(content.get("note") or "")
        self.portal_time = portal_time


class OversizedAnswer(http.client.HTTPException):
    """An answer that is larger than any answer of a portal."""


class ApiRequest:
    """A request to the portal, without its origin.

    A repeatable one is sent once more if the connection is lost before the answer. Every GET is repeatable.
    """

    __slots__ = ("body", "headers", "is_repeatable", "method", "path")

    def __init__(
        self,
        method: str,
        path: str,
        headers: "Mapping[str, str]",
        body: str | None,
        *,
        is_repeatable: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.is_repeatable = is_repeatable or method == "GET"


class Answer:
    """An HTTP response of the portal, read completely."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Portal:
    """A portal as seen by one caller; `trust` is None if the connection does not use TLS."""

    __slots__ = ("bearer", "origin", "trust")

    def __init__(self, origin: str, bearer: "Bearer", trust: "Trust | None") -> None:
        self.origin = origin
        self.bearer = bearer
        self.trust = trust

    def issue(self, request: "CredentialRequest") -> IssuedKeys:
        """Request AWS credentials. Raises a `Refusal` on every failure."""
        doing = f"asking {self.origin} for {request.what}"
        answer = self.request_session(self.request_body(request), doing)
        try:
            return IssuedKeys(read_json(answer.body), read_time(answer.headers.get("Date")))
        except UNREADABLE as error:
            raise errors.not_a_portal(self.origin) from error

    def request_session(self, body: "Mapping[str, object]", doing: str) -> Answer:
        """Request an AWS session. If the connection is lost before the answer, request it once more.

        The portal records both requests, and the keys of the first one, if there were any, reach no client.
        """
        return self.call("POST", "/api/v1/sessions", body, doing, is_repeatable=True)

    def request_body(self, request: "CredentialRequest") -> dict[str, object]:
        """Return the request's JSON body as the portal expects it."""
        # Tenant names are lower case. duploctl lowers what the user types, so its users rely on that.
        body: dict[str, object] = (
            {"admin": True} if request.tenant is None else {"tenant": request.tenant.lower()}
        )
        if request.duration is not None:
            body["duration"] = request.duration
        if request.permission_set:
            body["permission_set"] = request.permission_set
        return body

    def call(
        self,
        method: str,
        path: str,
        payload: "Mapping[str, object] | None",
        doing: str,
        condition: "Mapping[str, str]" = NO_CONDITION,
        *,
        is_repeatable: bool = False,
    ) -> Answer:
        """Call the portal's API and return a successful answer. Raises a `Refusal` on every failure.

        *doing* describes the call in a progress message; *condition* is a precondition such as If-Match.
        For *is_repeatable*, see `ApiRequest`.
        """
        body = None if payload is None else json.dumps(payload)

        def answer_to(token: str) -> Answer:
            base_headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            request = ApiRequest(
                method, path, {**base_headers, **condition}, body, is_repeatable=is_repeatable
            )
            return exchange(self.origin, self.trust, request, doing)

        token = self.bearer.token()
        answer = answer_to(token)
        if answer.status == HTTPStatus.UNAUTHORIZED and (new_token := self.bearer.renew(token)):
            answer = answer_to(new_token)
        elif new_token := self._sign_in_anew(answer, token):
            # The user is prompted at most once per call: if the portal refuses the token of that sign-in too,
            # its reason is reported. Only the portal knows the age of the authentication behind a session, so
            # that of another command is tried first.
            answer = answer_to(new_token)
            if self.bearer.is_from_another_command and (own := self._sign_in_anew(answer, new_token)):
                answer = answer_to(own)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise errors.error_answer(self.origin, answer.status, answer.headers, answer.body)
        return answer

    def _sign_in_anew(self, answer: Answer, refused: str) -> str | None:
        """Return the token of a newer sign-in if *answer* demands it; None if not, or if there is none."""
        if _needs_step_up(answer):
            return self.bearer.step_up(refused)
        max_age = _demanded_age(answer)
        return None if max_age is None else self.bearer.reauthenticate(refused, max_age)


def _needs_step_up(answer: Answer) -> bool:
    """Return whether the portal may accept the call after a new sign-in with admin access."""
    return answer.status == HTTPStatus.FORBIDDEN and errors.needs_step_up(answer.headers, answer.body)


def _demanded_age(answer: Answer) -> int | None:
    """Return the age in seconds of the authentication that the portal demands; None if it demands none."""
    if answer.status != HTTPStatus.FORBIDDEN:
        return None
    return errors.demanded_age(answer.headers, answer.body)


def exchange(origin: str, trust: "Trust | None", request: ApiRequest, doing: str) -> Answer:
    """Send one request and return the answer with any status; raise a `Refusal` if there is none.

    A repeatable request is sent twice if the connection is lost; both share the deadline.
    """
    start = monotonic()
    proxy = None

    def attempt() -> Answer:
        try:
            return _exchange(origin, trust, request, proxy)
        except _LOST as error:
            # After the deadline this thread is abandoned, and the caller has its refusal.
            if not request.is_repeatable or monotonic() - start >= _DEADLINE:
                raise
            debug(f"{request.method} {origin}{request.path}: {type(error).__name__}; asking once more")
            return _exchange(origin, trust, request, proxy)

    try:
        proxy = proxy_for(origin, os.environ)
        answer = with_timeout(_DEADLINE, attempt, doing)
    except (OSError, http.client.HTTPException) as error:
        debug(f"{request.method} {origin}{request.path}: {type(error).__name__}: {error}")
        raise errors.connection_failure(origin, error, proxy) from error
    milliseconds = (monotonic() - start) * 1000
    debug(f"{request.method} {origin}{request.path}: {answer.status} after {milliseconds:.0f} ms")
    return answer


def _exchange(origin: str, trust: "Trust | None", request: ApiRequest, proxy: "Proxy | None") -> Answer:
    authority = origin.partition("://")[2]
    if trust is None:
        return _send(http.client.HTTPConnection(authority, timeout=_DEADLINE), request)

    def over_tls() -> Answer:
        connection = http.client.HTTPSConnection(authority, timeout=_DEADLINE, context=trust.context)
        if proxy is not None:
            from daypass.common.tunnel import open_tunnel

            tunnel = open_tunnel(proxy, connection.host, connection.port, lambda: _DEADLINE)
            # http.client does not connect a connection that already has a socket.
            connection.sock = trust.context.wrap_socket(tunnel, server_hostname=connection.host)
        return _send(connection, request)

    try:
        return over_tls()
    except ssl.SSLCertVerificationError:
        # Nothing was sent yet, and the authority may be in the part of the bundle that is not loaded.
        if not trust.read_all():
            raise
        return over_tls()


def _send(connection: http.client.HTTPConnection, request: ApiRequest) -> Answer:
    headers = {"Accept": "application/json", "User-Agent": f"daypass/{__version__}", **request.headers}
    try:
        connection.request(request.method, request.path, request.body, headers)
        # Without keep-alive only the answer holds the socket.
        with connection.getresponse() as answer:
            body = answer.read(_MAX_ANSWER_SIZE)
            if answer.length:
                if len(body) == _MAX_ANSWER_SIZE:
                    raise OversizedAnswer
                raise http.client.IncompleteRead(body, answer.length)
            return Answer(answer.status, answer.headers, body)
    finally:
        connection.close()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def read_time(header: str | None) -> "datetime | None":
    """Return the time in a Date header; None if it is missing or malformed."""
    try:
        return parsedate_to_datetime(header) if header else None
    except (ValueError, OverflowError):
        return None
