"""Issuances in the words of a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.access.model import Channel, LimitSource, Purpose, State
from daypass.portal.access.store import IssuanceRecord
from daypass.portal.http.core.duration_text import reason, written
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, TENANT_VALIDITY
from daypass.portal.tenants.model import Access

_ENDING = timedelta(minutes=10)

_PURPOSES = {Purpose.CONSOLE: "Console", Purpose.KEYS: "Keys", Purpose.BOTH: "Keys and console"}
_DOORS = {Channel.WEB: "Portal", Channel.API: "API", Channel.LEGACY: "duploctl and its kin"}

_BRIEF = {
    LimitSource.ASKED: "as asked",
    LimitSource.ROLE_MAXIMUM: "maximum of the IAM role",
    LimitSource.ROLE_CHAINING: "role chaining",
    LimitSource.GRANT: "end of the sign-in",
}

FAILURES = {
    "access_denied": "You may not have this.",
    "insufficient_scope": "The sign-in was authorized for tenants only.",
    "jit_disabled": "JIT access is off.",
    "tenant_not_found": "You have no such tenant.",
    "sign_in_again": "The sign-in was about to end.",
    "invalid_duration": "AWS gives no session of that length.",
    "aws_refused": "AWS said no.",
    "aws_trust": "The role does not let the portal in.",
    "aws_throttled": "AWS asked everybody to slow down.",
    "aws_unavailable": "AWS did not answer.",
    "outcome_unknown": "The portal stopped during this request. No keys were handed out.",
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One attempt as a row of a table."""

    record: IssuanceRecord
    scope: str
    purpose: str
    access: str
    door: str
    state: str
    tone: str
    """How its state looks: ok, warn, bad, or empty."""
    is_live: bool
    length: str
    because: str
    """Why that long, in few words; `why` is the whole of it."""
    why: str
    failure: str


def rows(records: Iterable[IssuanceRecord], now: datetime) -> Sequence[SessionRow]:
    """Each record as it stands just now."""
    return [_row(record, now) for record in records]


def _row(record: IssuanceRecord, now: datetime) -> SessionRow:
    state, tone = _state(record, now)
    source = record.decided_by
    return SessionRow(
        record=record,
        scope="Admin" if record.is_admin_scope else record.tenant_name or "",
        purpose=_PURPOSES[record.purpose],
        access=_access(record),
        door=_DOORS.get(record.door, record.door.value),
        state=state,
        tone=tone,
        is_live=state in {"Live", "Ending"},
        length=written(record.validity) if record.validity else "",
        because="" if source is None else _BRIEF.get(source, _lasts(record)),
        why="" if source is None else reason(source, is_admin=record.is_admin_scope),
        failure=FAILURES.get(record.failure or "", "It was not given." if record.failure else ""),
    )


def _lasts(record: IssuanceRecord) -> str:
    return ADMIN_JIT_SESSION_DURATION.label if record.is_admin_scope else TENANT_VALIDITY.label


def _access(record: IssuanceRecord) -> str:
    if record.access is None:
        return "–"
    return "Read only" if record.access is Access.READ_ONLY else "Full"


def _state(record: IssuanceRecord, now: datetime) -> tuple[str, str]:
    if record.state is State.DENIED:
        return "Denied", "bad"
    if record.state is State.FAILED:
        return "Failed", "bad"
    if record.state is State.UNKNOWN:
        return "Outcome unknown", "warn"
    if record.state is State.REQUESTED or record.expires_at is None:
        return "Not given", ""
    left = record.expires_at - now
    if left <= timedelta():
        return "Ended", ""
    return ("Ending", "warn") if left <= _ENDING else ("Live", "ok")
