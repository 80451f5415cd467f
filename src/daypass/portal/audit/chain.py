"""The hash chain of the audit log: each event has a hash over itself and the event before it.

    hash = SHA-256(previous hash ‖ canonical JSON of the event's fields)

Every writing process has its own chain, which starts at position 0. Its first event names the current heads
of the other chains, so that truncating an older chain is detected too.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring_ascii
from types import NoneType

from daypass.common.lines import printable_line
from daypass.portal.audit.event import PORTAL, Event, Outcome, Scalar
from daypass.portal.redaction import redacted

OPENED = "chain.opened"
GENESIS = bytes(32)
"""The previous hash of a chain's first event."""

_JSON = json.JSONEncoder(separators=(",", ":"))

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
    row: dict[str, object] = {
        "chain_id": head.chain_id,
        "position": head.position + 1,
        "at": now,
        "action": event.action,
        "actor_id": event.actor.id,
        "actor": printable_line(redacted(event.actor.name), 255),
        "tenant_id": event.tenant_id,
        "subject": printable_line(redacted(event.subject), _MAX_LENGTH),
        # The plain string: some drivers adapt an enum by another, slower path.
        "outcome": event.outcome.value,
        "detail": _canonical(event.detail),
        "request_id": printable_line(event.actor.request_id, 32),
    }
    row["previous_hash"] = head.hash
    row["hash"] = hash_ = row_hash(row)
    return Head(head.chain_id, head.position + 1, hash_), row


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
    canonical = "[" + ",".join([_scalar(value) for value in fields]) + "]"
    return hashlib.sha256(previous + canonical.encode()).digest()


def _canonical(detail: Mapping[str, Scalar]) -> str:
    """Return the stored form of *detail*: JSON with sorted keys, secrets masked and long texts truncated."""
    written = []
    for key in sorted(detail):
        value = detail[key]
        if isinstance(value, str):
            value = (value if key in _NOT_REDACTED else redacted(value))[:_MAX_LENGTH]
        elif not isinstance(value, int | NoneType):
            raise TypeError(f"{key}: an audit event cannot contain a {type(value).__name__}")
        written.append(f"{encode_basestring_ascii(key)}:{_scalar(value)}")
    return "{" + ",".join(written) + "}"


def _scalar(value: object) -> str:
    """Return *value* as `json` encodes it; the encoder itself takes several times as long for each value."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    if type(value) is int:
        return repr(value)
    # A boolean, or a value that was changed in the database and is now of another type than its column.
    return _JSON.encode(value)
