"""How events hang together: each carries a hash over itself and the one before it.

    hash = SHA-256(previous hash ‖ canonical JSON of the event's fields)

Every writing process has a chain of its own, from position 0. Its first event names the heads of the chains
that others had written by then, so that cutting off the end of an older chain shows too.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType

from daypass.portal.redaction import redacted

OPENED = "chain.opened"
GENESIS = bytes(32)
"""In place of the hash before the first."""

Scalar = str | int | bool | None

_DENSE = json.JSONEncoder(separators=(",", ":"))
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True)

_OF_THE_PORTAL = frozenset({"access_key_id"})
"""Fields of a detail that are never typed: an issued key's id finds its use in CloudTrail."""

_LONGEST = 1000
"""Characters that a single text on record may have; more is cut off."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, who did it, to what, and how it came out. Nothing secret belongs in here."""

    action: str
    actor_id: str | None
    actor: str
    tenant_id: str | None
    subject: str
    outcome: str
    detail: Mapping[str, Scalar]
    request_id: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain so far."""

    chain_id: str
    position: int
    hash: bytes


def open_chain(heads: Sequence[Head], now: datetime) -> tuple[Head, dict[str, object]]:
    """A new chain's head, and its first row, which names the heads of the others."""
    start = Head(uuid.uuid4().hex, -1, GENESIS)
    detail: dict[str, Scalar] = {head.chain_id: f"{head.position} {head.hash.hex()}" for head in heads}
    return link(start, Event(OPENED, None, "daypass", None, start.chain_id, "done", detail, ""), now)


def named_heads(detail: str) -> Sequence[Head]:
    """The heads that a chain's first event names, read from its detail."""
    heads = []
    for chain_id, written in json.loads(detail).items():
        position, _, hash_ = written.partition(" ")
        heads.append(Head(chain_id, int(position), bytes.fromhex(hash_)))
    return heads


def link(head: Head, event: Event, now: datetime) -> tuple[Head, dict[str, object]]:
    """The chain's new head, and the row to be stored."""
    event = _without_secrets(event)
    row: dict[str, object] = {
        "chain_id": head.chain_id,
        "position": head.position + 1,
        "at": now,
        "action": event.action,
        "actor_id": event.actor_id,
        "actor": _line(event.actor, 255),
        "tenant_id": event.tenant_id,
        "subject": _line(event.subject, _LONGEST),
        "outcome": event.outcome,
        "detail": _canonical(event.detail),
        "request_id": _line(event.request_id, 32),
    }
    row["previous_hash"] = head.hash
    row["hash"] = hash_ = row_hash(row)
    return Head(head.chain_id, head.position + 1, hash_), row


def _without_secrets(event: Event) -> Event:
    """Return the event with typed text that looks like a secret masked."""
    detail = {
        key: redacted(value) if isinstance(value, str) and key not in _OF_THE_PORTAL else value
        for key, value in event.detail.items()
    }
    return replace(event, actor=redacted(event.actor), subject=redacted(event.subject), detail=detail)


def row_hash(row: Mapping[str, object]) -> bytes:
    """The hash that belongs to a stored row."""
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
            raise TypeError(f"{key}: a {type(value).__name__} does not go on record")
        cut[key] = value[:_LONGEST] if isinstance(value, str) else value
    return _SORTED.encode(cut)


def _line(text: str, longest: int) -> str:
    """One printable line; what a record, a terminal or a table could stumble over is replaced."""
    if text.isprintable():
        return text[:longest]
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:longest]
    )
