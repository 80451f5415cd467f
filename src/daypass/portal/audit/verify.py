"""Verification of the audit log: detects changed, removed, moved and inserted events."""

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
"""The most problems that a report lists, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification: the number of events, the current heads, and the problems found.

    Only a head kept outside the database reveals that events after the last issuance were truncated, or that
    the whole log was rehashed.
    """

    events: int
    heads: Sequence[Head]
    problems: Sequence[str]

    @property
    def is_intact(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


_BATCH = 500

Advance = Callable[[int], None]


def verify(connection: Connection, witnessed: Iterable[Head] = (), advance: Advance | None = None) -> Report:
    """Verify every chain, the witnessed heads kept outside the database, and the issuances.

    The connection must be a `Database.snapshot()`. Memory grows with the number of chains, not of events.
    *advance* is called repeatedly with the number of events read, and may raise to end the verification.
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
    check_cancelled = None if advance is None else partial(advance, events)
    problems.add(differences(connection, check_cancelled) if events else _emptied(connection))
    return Report(events, list(heads.values()), problems.listed())


class _Problems:
    """A list of the first problems found, with a count of the rest."""

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
    """Yield a problem for each witnessed head that is not in the log."""
    for head in witnessed:
        if not is_stored(connection, head):
            yield f"chain {head.chain_id}: event {head.position}, witnessed as a head, is missing or changed"


def _emptied(connection: Connection) -> Iterable[str]:
    """Yield a problem if the log is empty although the portal has users or issuances."""
    users, issuances = population(connection)
    if users or issuances:
        used = f"{counted(users, 'user')} and {counted(issuances, 'issuance')}"
        yield f"the audit log is empty, but the portal has {used}"


def _rows(connection: Connection, advance: Advance | None) -> Iterator[Mapping[str, Any]]:
    # If the verification ends early, the server-side cursor must be closed.
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
    """Return a problem for each named head that is not stored.

    Checked at the end, because a chain may sort after the chain that names its head.
    """
    return [
        f"chain {head.chain_id}: event {head.position} is missing or changed, but chain {by} names it"
        for head, by in named.items()
        if not is_stored(connection, head)
    ]
