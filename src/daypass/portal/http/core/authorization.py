"""Authorization of a caller for a route. Refused attempts on administrative routes are audited."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from daypass.common.lines import printable_line
from daypass.portal.access.model import Caller
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.redaction import redacted

DENIAL_LOG_INTERVAL = timedelta(minutes=1)
"""Repeated refusals of one token on one route are audited once per interval, which bounds the audit log."""

_MAX_PATH_LENGTH = 200
_CLEANUP_SIZE = 10_000
"""The number of remembered attempts above which expired ones are dropped."""

_Attempt = tuple[str, str]
"""The id of the token, and the route."""


@dataclass(frozen=True, slots=True)
class RouteInfo:
    """The method and path of a request, and the route that it matched."""

    method: str
    path: str
    template: str
    """The path of the route, such as `/users/{user}`."""

    @classmethod
    def of(cls, request: Request) -> "RouteInfo":
        """Return the route information of a request after routing."""
        return cls(request.method, request.scope["path"], request.scope["route"].path)

    @property
    def route(self) -> str:
        """The method and the template: the same for all values of the path parameters."""
        return f"{self.method} {self.template}"


class Authorizer:
    """Checks permissions and audits refusals; one instance serves all channels."""

    def __init__(self, record: Callable[[Event], None], clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._recorded_at: dict[_Attempt, datetime] = {}
        self._lock = threading.Lock()

    def authorize(self, permission: Permission, caller: Caller, place: RouteInfo) -> None:
        """Raise `AccessDenied`, after auditing it, unless the caller has *permission*."""
        try:
            permission.check(caller.user, caller.token)
        except AccessDenied as refusal:
            # By route and not by path, because a client that tries many ids in one path would otherwise fill
            # the audit log.
            attempt = (caller.token.id, place.route)
            if self._is_due(attempt):
                self._write(attempt, _event(caller, place, refusal))
            raise

    def _write(self, attempt: _Attempt, event: Event) -> None:
        try:
            self._record(event)
        except PortalError:
            # The event was not written, so the next refusal must be.
            with self._lock:
                self._recorded_at.pop(attempt, None)
            raise

    def _is_due(self, attempt: _Attempt) -> bool:
        now = self._clock()
        with self._lock:
            # Expired attempts are dropped here, because no thread exists that could do so in the background.
            if len(self._recorded_at) >= _CLEANUP_SIZE:
                self._recorded_at = {
                    key: at for key, at in self._recorded_at.items() if abs(now - at) < DENIAL_LOG_INTERVAL
                }
            last = self._recorded_at.get(attempt)
            # The absolute difference, because a clock that was set back would otherwise stop all events.
            is_due = last is None or abs(now - last) >= DENIAL_LOG_INTERVAL
            if is_due:
                # The attempt is marked before its event is written, so that of several threads with the same
                # refusal only one writes it, and none holds the lock while the database is slow.
                self._recorded_at[attempt] = now
        return is_due


def _event(caller: Caller, place: RouteInfo, refusal: AccessDenied) -> Event:
    detail = {
        "code": refusal.code,
        "method": place.method,
        "door": caller.channel.value,
        "address": caller.address,
        "token_id": caller.token.id,
    }
    # The path is the caller's input; the audit log takes printable text only.
    path = redacted(printable_line(place.path, replacement=""))[:_MAX_PATH_LENGTH]
    return Event(
        action="administration.enter",
        actor=caller.actor,
        outcome=Outcome.DENIED,
        subject=path,
        detail=detail,
    )
