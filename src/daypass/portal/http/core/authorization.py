"""Who may pass through a route; whoever tries one for Administrators and is none is on record for it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from daypass.portal.access.model import Caller
from daypass.portal.audit.log import Event
from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.redaction import redacted

DENIAL_LOG_INTERVAL = timedelta(minutes=1)
"""Whoever knocks at one route all the time is on record once in this time: the record stays readable."""

_LONGEST = 200
_REMEMBERED = 10_000

_Attempt = tuple[str, str]
"""Whose token it was, and the route."""


@dataclass(frozen=True, slots=True)
class RouteInfo:
    """Where somebody wants to pass."""

    method: str
    path: str
    parts: Mapping[str, str]
    """What the route's variable parts are."""

    @classmethod
    def of(cls, request: Request) -> "RouteInfo":
        """Where a request goes, as the routes see it."""
        return cls(request.method, request.scope["path"], request.path_params)

    @property
    def route(self) -> str:
        """The route, by the address with its variable parts taken out, so that all it takes count as one."""
        # From the end on, each before the next: what one part is may stand in another.
        rest, done = self.path, ""
        for name, value in reversed(list(self.parts.items())):
            before, found, after = rest.rpartition(value) if value else (rest, "", "")
            if found:
                rest, done = before, f"{{{name}}}{after}{done}"
        return f"{self.method} {rest}{done}"


class Authorizer:
    """Lets in who may; one for all doors."""

    def __init__(self, record: Callable[[Event], None], clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._noted: dict[_Attempt, datetime] = {}
        self._lock = threading.Lock()

    def authorize(self, permission: Permission, caller: Caller, place: RouteInfo) -> None:
        """Return when the caller may pass; raises `AccessDenied`, which is on record by then."""
        try:
            permission.check(caller.user, caller.token)
        except AccessDenied as refusal:
            attempt = (caller.token.id, place.route)
            if self._is_news(attempt):
                self._note(attempt, _event(caller, place, refusal))
            raise

    def _note(self, attempt: _Attempt, event: Event) -> None:
        try:
            self._record(event)
        except PortalError:
            # It is not on record, so the next one is news.
            with self._lock:
                self._noted.pop(attempt, None)
            raise

    def _is_news(self, attempt: _Attempt) -> bool:
        now = self._clock()
        with self._lock:
            if len(self._noted) >= _REMEMBERED:
                self._noted = {
                    one: at for one, at in self._noted.items() if abs(now - at) < DENIAL_LOG_INTERVAL
                }
            # Also after a clock was set back, or nothing would be recorded until it has caught up.
            is_news = attempt not in self._noted or abs(now - self._noted[attempt]) >= DENIAL_LOG_INTERVAL
            if is_news:
                self._noted[attempt] = now
        return is_news


def _event(caller: Caller, place: RouteInfo, refusal: AccessDenied) -> Event:
    user = caller.user
    detail = {
        "code": refusal.code,
        "method": place.method,
        "door": caller.door.value,
        "address": caller.address,
        "token_id": caller.token.id,
    }
    # An address may have anything in it, and the record takes what can be read.
    path = redacted("".join(sign for sign in place.path if sign.isprintable()))[:_LONGEST]
    return Event(
        "administration.enter", user.id, user.username, None, path, "denied", detail, caller.request_id
    )
