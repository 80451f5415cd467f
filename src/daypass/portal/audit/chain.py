"""The hash chain of the audit log: each event has a hash over itself and the event before it.

    hash = SHA-256(previous hash ‖ canonical JSON of the event's fields)

Every writing process has its own chain, which starts at position 0. Its first event names the current heads
of the other chains, so that truncating an older chain is detected too.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType

from daypass.common.lines import printable_line
from daypass.portal.audit.event import PORTAL, Event, Outcome, Scalar
from daypass.portal.redaction import redacted

OPENED = "chain.opened"
GENESIS = bytes(32)
"""The previous hash of a chain's first event."""

_DENSE = json.JSONEncoder(separators=(",", ":"))
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True)

_NOT_REDACTED = frozenset({"access_key_id"})
"""Detail fields that are not redacted, because they are no user input: CloudTrail is searched by key id."""

_MAX_LENGTH = 1000
"""The maximum length of a text in an event, in characters; longer texts are truncated."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a chain."""

    chain_id: str
    position: int
    hash: bytes


def open_chain(heads: Sequence[Head], now: datetime) -> tuple[Head, dict[str, object]]:
    """Return the head of a new chain and its first row, which names the *heads* of the other chains."""
    start = Head(uuid.uuid4().hex, -1, GENESIS)
    detail: dict[str, Scalar] = {head.chain_id: f"{head.position} {head.hash.hex()}" for head in heads}
    event = Event(action=OPENED, actor=PORTAL, outcome=Outcome.DONE, subject=start.chain_id, detail=detail)
    return link(start, event, now)


def named_heads(detail: str) -> Sequence[Head]:
    """Return the heads named in the detail of a chain's first event."""
    heads = []
    for chain_id, written in json.loads(detail).items():
        position, _, hash_ = written.partition(" ")
        heads.append(Head(chain_id, int(position), bytes.fromhex(hash_)))
    return heads


def link(head: Head, event: Event, now: datetime) -> tuple[Head, dict[str, object]]:
    """Append *event* to the chain; return the new head and the row to store."""
    event = _without_secrets(event)
    row: dict[str, object] = {
        "chain_id": head.chain_id,
        "position": head.position + 1,
        "at": now,
        "action": event.action,
        "actor_id": event.actor.id,
        "actor": printable_line(event.actor.name, 255),
        "tenant_id": event.tenant_id,
        "subject": printable_line(event.subject, _MAX_LENGTH),
        # The plain string: some drivers adapt an enum by another, slower path.
        "outcome": event.outcome.value,
        "detail": _canonical(event.detail),
        "request_id": printable_line(event.actor.request_id, 32),
    }
    row["previous_hash"] = head.hash
    row["hash"] = hash_ = row_hash(row)
    return Head(head.chain_id, head.position + 1, hash_), row


def _without_secrets(event: Event) -> Event:
    """Return the event with user input that looks like a secret masked."""
    detail = {
        key: redacted(value) if isinstance(value, str) and key not in _NOT_REDACTED else value
        for key, value in event.detail.items()
    }
    actor = replace(event.actor, name=redacted(event.actor.name))
    return replace(event, actor=actor, subject=redacted(event.subject), detail=detail)


def row_hash(row: Mapping[str, object]) -> bytes:
    """Return the hash that a stored row must have."""
    at = row["at"]
    previous = row["previous_hash"]
    assert isinstance(at, datetime)  # noqa: S101  the column's type
    assert isinstance(previous, bytes)  # noqa: S101  the column's type
    fields = [
        row["chain_id"],
        row["position"],
        at.isoformat(timespec="microseconds"),
        row["action"],
        row["actor_id"],
        row["actor"],
        row["tenant_id"],
        row["subject"],
        row["outcome"],
        row["detail"],
        row["request_id"],
    ]
    return hashlib.sha256(previous + _DENSE.encode(fields).encode()).digest()


def _canonical(detail: Mapping[str, Scalar]) -> str:
    cut: dict[str, Scalar] = {}
    for key, value in detail.items():
        if not isinstance(value, (str, int, NoneType)):
            raise TypeError(f"{key}: an audit event cannot contain a {type(value).__name__}")
        cut[key] = value[:_MAX_LENGTH] if isinstance(value, str) else value
    return _SORTED.encode(cut)
