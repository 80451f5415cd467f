"""Whether the record is what was written: no event changed, removed, moved or slipped in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from daypass.common.counting import counted
from daypass.portal.audit.chain import GENESIS, OPENED, Head, named_heads, row_hash
from daypass.portal.audit.issuance_check import differences, population
from daypass.portal.audit.store import is_stored, read_rows

_SHOWN = 1000
"""Problems that a report lists; memory stays bounded however much was changed."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, what is wrong with it, and the heads to keep elsewhere.

    Only a head kept outside the database shows that events since the last issuance were cut off, or that
    the whole record was hashed anew.
    """

    events: int
    heads: Sequence[Head]
    problems: Sequence[str]

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


_BATCH = 500

Advance = Callable[[int], None]


def verify(connection: Connection, witnessed: Iterable[Head] = (), advance: Advance | None = None) -> Report:
    """Check every chain, the heads that were kept elsewhere, and the issuances against their events.

    Takes a `Database.snapshot()`. Memory grows with the number of chains, not of events. *advance* is called
    with the number of events read, again and again; what it raises ends the verification.
    """
    events = 0
    problems = _Problems()
    heads: dict[str, Head] = {}
    named: dict[Head, str] = {}
    for row in _rows(connection, advance):
        events += 1
        chain_id = row["chain_id"]
        before = heads.get(chain_id, Head(chain_id, -1, GENESIS))
        problems.add(_faults(row, before))
        head = Head(chain_id, row["position"], row["hash"])
        heads[chain_id] = head
        named.pop(head, None)
        if row["action"] == OPENED:
            named |= _named_by(row, problems)
    problems.add(_missing(connection, named))
    problems.add(_unwitnessed(connection, witnessed))
    still_wanted = None if advance is None else partial(advance, events)
    problems.add(differences(connection, still_wanted) if events else _emptied(connection))
    return Report(events, list(heads.values()), problems.listed())


class _Problems:
    """The first problems that were found, and the number of the others."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._number = 0

    def add(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self._number += 1
            if self._number <= _SHOWN:
                self._found.append(problem)

    def listed(self) -> Sequence[str]:
        more = self._number - len(self._found)
        return [*self._found, f"and {more} more"] if more else self._found


def _named_by(row: Mapping[str, Any], problems: _Problems) -> Mapping[Head, str]:
    try:
        return dict.fromkeys(named_heads(row["detail"]), row["chain_id"])
    except (ValueError, AttributeError):
        problems.add(
            [f"chain {row['chain_id']}, event {row['position']}: it does not name the chains before it"]
        )
        return {}


def _unwitnessed(connection: Connection, witnessed: Iterable[Head]) -> Iterable[str]:
    """Yield a problem for each head kept elsewhere that is not in the record."""
    for head in witnessed:
        if not is_stored(connection, head):
            yield f"chain {head.chain_id}: event {head.position}, kept elsewhere as head, is gone or changed"


def _emptied(connection: Connection) -> Iterable[str]:
    """Yield a problem if the record is empty although the portal was used."""
    users, issuances = population(connection)
    if users or issuances:
        used = f"{counted(users, 'user')} and {counted(issuances, 'issuance')}"
        yield f"the record is empty, but the portal has {used}"


def _rows(connection: Connection, advance: Advance | None) -> Iterator[Mapping[str, Any]]:
    # Closed at once where the walk ends early: PostgreSQL's cursor would outlive its transaction.
    with closing(read_rows(connection)) as rows:
        for number, row in enumerate(rows, 1):
            if advance is not None and number % _BATCH == 0:
                advance(number)
            yield row


def _faults(row: Mapping[str, Any], before: Head) -> Sequence[str]:
    where = _where(row)
    if row["position"] != before.position + 1:
        return [f"{where}: the events before it are missing"]
    if row["previous_hash"] != before.hash:
        return [f"{where}: it does not follow the event before it"]
    if row["hash"] != row_hash(row):
        return [f"{where}: it was changed after it was written"]
    return []


def _where(row: Mapping[str, Any]) -> str:
    return f"chain {row['chain_id']}, event {row['position']}"


def _missing(connection: Connection, named: Mapping[Head, str]) -> Sequence[str]:
    """The heads that a later chain names and that are gone; a chain may sort before the one that names it."""
    return [
        f"chain {head.chain_id}: event {head.position} is missing or changed, and chain {by} knew it"
        for head, by in named.items()
        if not is_stored(connection, head)
    ]
