"""The form of the audit log's chain, which never changes: verification compares stored rows with it."""

import hashlib
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.audit.chain import GENESIS, Head, link, row_hash
from daypass.portal.audit.event import Actor, Event, Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS = (
    "chain_id",
    "position",
    "at",
    "action",
    "actor_id",
    "actor",
    "tenant_id",
    "subject",
    "outcome",
    "detail",
    "request_id",
)

# Without the letters of tokens and key ids, so that nothing is masked; with control characters, quotes, lone
# surrogates and characters outside the basic plane.
TEXTS = st.text(st.characters(exclude_characters="dDaA"), max_size=30)
VALUES = (
    TEXTS | st.integers() | st.booleans() | st.none() | st.sampled_from(["\u2028", "\udc00", "😀", '"\\'])
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_the_detail_of_an_event_is_sorted_dense_json_in_ascii(
    detail: dict[str, str | int | bool | None],
) -> None:
    event = Event(action="tenant.create", actor=Actor("u1", "dana"), outcome=Outcome.DONE, detail=detail)
    _, row = link(Head("c1", 4, GENESIS), event, NOON)

    assert row["detail"] == json.dumps(detail, separators=(",", ":"), sort_keys=True)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES | st.floats(), max_size=5))
def test_the_hash_of_a_row_is_over_the_hash_before_it_and_dense_json_in_ascii(
    changes: dict[str, object],
) -> None:
    event = Event(action="tenant.create", actor=Actor(None, "dana"), outcome=Outcome.DONE, subject="dev01")
    _, row = link(Head("c1", 4, b"\1" * 32), event, NOON)
    # An attacker may have stored any value that the database takes; the time is read by its column's type.
    row |= {name: value for name, value in changes.items() if name != "at"}
    fields = ["2026-03-01T12:00:00.000000+00:00" if name == "at" else row[name] for name in FIELDS]

    dense = json.dumps(fields, separators=(",", ":")).encode()
    assert row_hash(row) == hashlib.sha256(b"\1" * 32 + dense).digest()


def test_a_known_event_has_the_hash_that_earlier_releases_stored() -> None:
    event = Event(
        action="session.issue",
        actor=Actor("u1", "dana@exämple.com", "r1"),
        outcome=Outcome.ISSUED,
        subject="dev01",
        tenant_id="t1",
        detail={"validity": 3600, "is_read_only": False, "reason": "“Störung” 4711\n", "limit": None},
    )
    head, row = link(Head("c1", 4, GENESIS), event, NOON)

    detail = r'{"is_read_only":false,"limit":null,"reason":"\u201cSt\u00f6rung\u201d 4711\n","validity":3600}'
    assert row["detail"] == detail
    assert head.hash.hex() == "deada4f627604845f07a95fd604f73752dda990912180400c9f53a0be2495437"
