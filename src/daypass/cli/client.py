"""The typed client of the portal's own API: one answer, or one sentence, within half a minute."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from ssl import SSLContext
from typing import Any

from daypass.cli import problems
from daypass.cli.ask import Ask
from daypass.cli.patience import within

_DEADLINE = 30.0
"""Seconds for all of one call, whatever happens on the way."""

_LARGEST_ANSWER = 1024 * 1024


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
    note: str
    portal_time: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal, reached with a token; `trust` says whose certificates count."""

    origin: str
    token: str = field(repr=False)
    trust: SSLContext | None

    def issue(self, ask: Ask) -> Issued:
        """Ask for keys. Whatever goes wrong is a Refusal."""
        # Tenant names are lower case; duploctl lowers what is typed, and habits count on it.
        wish: dict[str, object] = {"admin": True} if ask.tenant is None else {"tenant": ask.tenant.lower()}
        if ask.duration is not None:
            wish["duration"] = ask.duration
        answer = self._call("POST", "/api/v1/sessions", wish, f"asking {self.origin} for {ask.what}")
        try:
            return _issued(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise problems.not_a_portal(self.origin) from error

    def _call(self, method: str, path: str, wish: Mapping[str, object], doing: str) -> Answer:
        try:
            answer = within(_DEADLINE, lambda: self._exchange(method, path, json.dumps(wish)), doing)
        except (OSError, http.client.HTTPException) as error:
            raise problems.unreached(self.origin, error) from error
        if answer.status >= 300:
            raise problems.refused(self.origin, answer.status, answer.headers, answer.body)
        return answer

    def _exchange(self, method: str, path: str, body: str) -> Answer:
        authority = self.origin.partition("://")[2]
        connection = (
            http.client.HTTPConnection(authority, timeout=_DEADLINE)
            if self.trust is None
            else http.client.HTTPSConnection(authority, timeout=_DEADLINE, context=self.trust)
        )
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"daypass/{version('daypass')}",
        }
        try:
            connection.request(method, path, body, headers)
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
        note=problems.printable(given.get("note") or ""),
        portal_time=_time(answer.headers.get("Date")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def _time(header: str | None) -> datetime | None:
    """The time in a Date header; None where it is missing or means nothing."""
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
