"""Issuance records as table rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.common.duration_text import format_duration
from daypass.portal.access.model import Channel, IssuanceRecord, LimitSource, Purpose, State
from daypass.portal.http.core.duration_text import reason
from daypass.portal.permission_sets.model import BUILT_IN
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, TENANT_VALIDITY
from daypass.portal.tenants.model import Access
from daypass.portal.workloads.model import TAG_PREFIX

_ENDING = timedelta(minutes=10)

_PURPOSES = {Purpose.CONSOLE: "Console", Purpose.KEYS: "Keys", Purpose.BOTH: "Keys and console"}
_CHANNELS = {Channel.WEB: "Portal", Channel.API: "API", Channel.LEGACY: "duploctl (legacy API)"}

_BRIEF = {
    LimitSource.REQUESTED: "as requested",
    LimitSource.ROLE_MAXIMUM: "maximum of the IAM role",
    LimitSource.ROLE_CHAINING: "role chaining",
    LimitSource.SIGN_IN: "end of the sign-in",
    LimitSource.ENTITLEMENT: "end of the access",
}

FAILURES = {
    "access_denied": "Access denied.",
    "insufficient_scope": "The sign-in was authorized without admin access.",
    "jit_disabled": "JIT access is off.",
    "tenant_not_found": "Tenant not found.",
    "sign_in_again": "The sign-in was about to expire.",
    "invalid_duration": "AWS does not allow that duration.",
    "aws_refused": "AWS refused the request.",
    "aws_policy": "A policy or the role of the permission set is missing or wrong in the account.",
    "permission_set_not_found": "Permission set not found.",
    "aws_trust": "The role does not trust the portal.",
    "aws_throttled": "AWS throttled the request.",
    "aws_unavailable": "AWS did not answer.",
    "outcome_unknown": "The portal stopped during this request. No credentials were issued.",
}
"""The sentences for failures, by the code of the error; another code gets a general sentence."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An issuance as a table row."""

    record: IssuanceRecord
    scope: str
    purpose: str
    access: str
    """“Full”, “Read only” or the name of the custom permission set."""
    door: str
    state: str
    tone: str
    """The tag kind of the state: ok, warn, bad, or empty."""
    is_live: bool
    length: str
    because: str
    """The reason for the length in a few words; `why` is the full sentence."""
    why: str
    failure: str
    claims: Sequence[tuple[str, str]]
    """The names and values of the session tags from the claims of a workload."""


def rows(records: Iterable[IssuanceRecord], now: datetime) -> Sequence[SessionRow]:
    """Return a row for each record, with its state at *now*."""
    return [_row(record, now) for record in records]


def _row(record: IssuanceRecord, now: datetime) -> SessionRow:
    state, tone = _state(record, now)
    source = record.decided_by
    return SessionRow(
        record=record,
        scope="Admin" if record.is_admin else record.tenant_name or "",
        purpose=_PURPOSES[record.purpose],
        access=_access(record),
        door=_CHANNELS.get(record.channel, record.channel.value),
        state=state,
        tone=tone,
        is_live=state in {"Live", "Ending"},
        length=format_duration(record.validity) if record.validity else "",
        because="" if source is None else _because(record, source),
        why=""
        if source is None
        else reason(source, is_admin=record.is_admin, is_of_rule=record.is_limited_by_rule),
        failure=FAILURES.get(record.failure or "", "The request failed." if record.failure else ""),
        claims=tuple(
            (key.removeprefix(TAG_PREFIX), value) for key, value in sorted(record.session_tags.items())
        ),
    )


def _because(record: IssuanceRecord, source: LimitSource) -> str:
    if record.is_limited_by_rule:
        return "limit of the workload rule"
    return _BRIEF.get(source, _setting_label(record))


def _setting_label(record: IssuanceRecord) -> str:
    return ADMIN_JIT_SESSION_DURATION.label if record.is_admin else TENANT_VALIDITY.label


def _access(record: IssuanceRecord) -> str:
    if record.access is None:
        return "–"
    if record.permission_set is not None and record.permission_set not in BUILT_IN:
        return record.permission_set
    return "Read only" if record.access is Access.READ_ONLY else "Full"


def _state(record: IssuanceRecord, now: datetime) -> tuple[str, str]:
    if record.state is State.DENIED:
        return "Denied", "bad"
    if record.state is State.FAILED:
        return "Failed", "bad"
    if record.state is State.UNKNOWN:
        return "Outcome unknown", "warn"
    if record.state is State.REQUESTED or record.expires_at is None:
        return "Not issued", ""
    remaining = record.expires_at - now
    if remaining <= timedelta():
        return "Ended", ""
    return ("Ending", "warn") if remaining <= _ENDING else ("Live", "ok")
