"""Whether the record is what was written: no event changed, removed, moved or slipped in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from daypass.portal.audit.chain import GENESIS, OPENED, Head, named_heads, row_hash
from daypass.portal.audit.store import is_stored, read_rows


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, what is wrong with it, and the heads to keep elsewhere.

    Only a head kept outside the database shows that the newest events of the newest chain were cut off.
    """

    events: int
    heads: Sequence[Head]
    problems: Sequence[str]

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(connection: Connection) -> Report:
    """Walk every chain from its first event to its head; takes a `Database.snapshot()`."""
    events = 0
    problems: list[str] = []
    heads: dict[str, Head] = {}
    named: dict[Head, str] = {}
    for row in read_rows(connection):
        events += 1
        chain_id = row["chain_id"]
        before = heads.get(chain_id, Head(chain_id, -1, GENESIS))
        problems += _faults(row, before)
        head = Head(chain_id, row["position"], row["hash"])
        heads[chain_id] = head
        named.pop(head, None)
        if row["action"] == OPENED:
            named |= dict.fromkeys(named_heads(row["detail"]), chain_id)
    problems += _missing(connection, named)
    return Report(events, list(heads.values()), problems)


def _faults(row: Mapping[str, Any], before: Head) -> Sequence[str]:
    where = f"chain {row['chain_id']}, event {row['position']}"
    if row["position"] != before.position + 1:
        return [f"{where}: the events before it are missing"]
    if row["previous_hash"] != before.hash:
        return [f"{where}: it does not follow the event before it"]
    if row["hash"] != row_hash(row):
        return [f"{where}: it was changed after it was written"]
    return []


def _missing(connection: Connection, named: Mapping[Head, str]) -> Sequence[str]:
    """The heads that a later chain names and that are gone; a chain may sort before the one that names it."""
    return [
        f"chain {head.chain_id}: event {head.position} is missing or changed, and chain {by} knew it"
        for head, by in named.items()
        if not is_stored(connection, head)
    ]
