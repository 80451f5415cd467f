"""The typed client of the portal's own API: one answer, or one sentence, within half a minute."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from ssl import SSLContext
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol

from daypass.cli import problems
from daypass.cli.ask import Ask
from daypass.cli.patience import note, within

_DEADLINE = 30.0
"""Seconds for all of one call, whatever happens on the way."""

_LARGEST_ANSWER = 1024 * 1024

NO_CONDITION: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Issued:
    """Keys as the portal handed them out."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime
    validity: int
    tenant_id: str | None
    role_arn: str
    user_id: str
    username: str
    region: str
    note: str
    portal_time: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)


class Bearer(Protocol):
    """What stands for the caller on every request."""

    def token(self) -> str:
        """The token to send; raises a Refusal where none can be had."""

    def instead_of(self, refused: str) -> str | None:
        """Another token, after the portal refused that one; None if there is none."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal, and who calls it; `trust` says whose certificates count."""

    origin: str
    bearer: Bearer
    trust: SSLContext | None

    def issue(self, ask: Ask) -> Issued:
        """Ask for keys. Whatever goes wrong is a Refusal."""
        doing = f"asking {self.origin} for {ask.what}"
        answer = self.call("POST", "/api/v1/sessions", self.wish(ask), doing)
        try:
            return _issued(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise problems.not_a_portal(self.origin) from error

    def wish(self, ask: Ask) -> dict[str, object]:
        """The ask as the portal reads it."""
        # Tenant names are lower case; duploctl lowers what is typed, and habits count on it.
        wish: dict[str, object] = {"admin": True} if ask.tenant is None else {"tenant": ask.tenant.lower()}
        if ask.duration is not None:
            wish["duration"] = ask.duration
        return wish

    def call(
        self,
        method: str,
        path: str,
        wish: Mapping[str, object] | None,
        doing: str,
        condition: Mapping[str, str] = NO_CONDITION,
    ) -> Answer:
        """Call the portal's own API; whatever goes wrong is a Refusal, and *doing* says what takes long.

        *condition* is a header that says which version of something is to be changed.
        """
        headers = {"Content-Type": "application/json", **condition}
        wanted = Sent(method, path, headers, None if wish is None else json.dumps(wish))
        token = self.bearer.token()
        answer = self._exchange(wanted, token, doing)
        if answer.status == HTTPStatus.UNAUTHORIZED and (other := self.bearer.instead_of(token)):
            answer = self._exchange(wanted, other, doing)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise problems.refused(self.origin, answer.status, answer.headers, answer.body)
        return answer

    def _exchange(self, wanted: "Sent", token: str, doing: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", **wanted.headers}
        return exchange(self.origin, self.trust, replace(wanted, headers=headers), doing)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: str | None = field(repr=False)


def exchange(origin: str, trust: SSLContext | None, sent: Sent, doing: str) -> Answer:
    """Send one request and take its answer, whatever its status; no answer at all is a Refusal."""
    start = monotonic()
    try:
        answer = within(_DEADLINE, lambda: _exchange(origin, trust, sent), doing)
    except (OSError, http.client.HTTPException) as error:
        note(f"{sent.method} {origin}{sent.path}: {type(error).__name__}: {error}")
        raise problems.unreached(origin, error) from error
    note(f"{sent.method} {origin}{sent.path}: {answer.status} after {(monotonic() - start) * 1000:.0f} ms")
    return answer


def _exchange(origin: str, trust: SSLContext | None, sent: Sent) -> Answer:
    authority = origin.partition("://")[2]
    connection = (
        http.client.HTTPConnection(authority, timeout=_DEADLINE)
        if trust is None
        else http.client.HTTPSConnection(authority, timeout=_DEADLINE, context=trust)
    )
    headers = {"Accept": "application/json", "User-Agent": f"daypass/{version('daypass')}", **sent.headers}
    try:
        connection.request(sent.method, sent.path, sent.body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read(_LARGEST_ANSWER))
    finally:
        connection.close()


def _issued(answer: Answer) -> Issued:
    given: dict[str, Any] = json.loads(answer.body)
    keys, tenant = given["credentials"], given["tenant"]
    expires_at = datetime.fromisoformat(given["expires_at"])
    if expires_at.tzinfo is None:
        raise ValueError("a time without a zone means nothing")
    return Issued(
        access_key_id=_text(keys["access_key_id"]),
        secret_access_key=_text(keys["secret_access_key"]),
        session_token=_text(keys["session_token"]),
        expires_at=expires_at,
        validity=int(given["validity"]),
        tenant_id=None if tenant is None else _text(tenant["id"]),
        role_arn=_text(given["role_arn"]),
        user_id=_text(given["user"]["id"]),
        username=_text(given["user"]["username"]),
        region=_text(given["region"]),
        note=problems.printable(given.get("note") or ""),
        portal_time=read_time(answer.headers.get("Date")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def read_time(header: str | None) -> datetime | None:
    """The time in a Date header; None where it is missing or means nothing."""
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
