"""Comparison of issuances with their events, and of events of issuing with their issuances.

Both are written in one transaction. If they disagree, one of the two tables was changed by other means.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from daypass.portal.storage.schema import audit_events, issuances, users

ISSUING = "session.issue"
"""The action of events that belong to an issuance, whose id is their subject."""

_SETTLED = "unknown"
"""The outcome of an attempt that the portal settled, because its process had ended."""

_EVENTS_OF: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"requested"}),
    "issued": frozenset({"requested", "issued"}),
    "failed": frozenset({"requested", "failed"}),
    "denied": frozenset({"denied"}),
    _SETTLED: frozenset({"requested", _SETTLED}),
}
"""The outcomes that are on record for each state of an issuance."""

_BATCH = 1000

_Entry = tuple[str, Any]


@dataclass(slots=True)
class _Issuance:
    """The row and the events of one id."""

    row: Any = None
    events: dict[str, Any] = field(default_factory=dict)


def differences(connection: Connection, still_wanted: Callable[[], None] | None = None) -> Iterator[str]:
    """Yield a sentence for each disagreement; needs one moment of both tables, and memory for a few rows.

    *still_wanted* is called now and then; what it raises ends the comparison.
    """
    with (
        # Closed where the comparison ends early: a cursor of PostgreSQL would outlive it.
        closing(_stream(connection, _rows(connection))) as rows,
        closing(_stream(connection, _events(connection))) as events,
    ):
        entries = merge(_keyed(rows), _keyed(events), key=_id)
        for number, (id_, found) in enumerate(groupby(entries, key=_id), 1):
            if still_wanted is not None and number % _BATCH == 0:
                still_wanted()
            problem = _problem(_gather(found))
            if problem is not None:
                yield f"issuance {id_}: {problem}"


def population(connection: Connection) -> tuple[int, int]:
    """Return the number of users and of issuances."""
    count = func.count()
    return (
        connection.scalar(select(count).select_from(users)) or 0,
        connection.scalar(select(count).select_from(issuances)) or 0,
    )


def _rows(connection: Connection) -> Any:  # noqa: ANN401  a Select of many types
    id_ = _bytewise(connection, issuances.c.id)
    c = issuances.c
    return select(
        id_.label("id"), c.user_id, c.role_arn, c.state, c.access_key_id, literal(None).label("outcome")
    ).order_by(id_)


def _events(connection: Connection) -> Any:  # noqa: ANN401  a Select of many types
    id_ = _bytewise(connection, audit_events.c.subject)
    c = audit_events.c
    return select(id_.label("id"), c.actor_id, c.detail, c.outcome).where(c.action == ISSUING).order_by(id_)


def _bytewise(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column in the order of Python's strings, which both streams are merged by."""
    return column if connection.dialect.name == "sqlite" else column.collate("C")


def _stream(connection: Connection, query: Any) -> Generator[Any]:  # noqa: ANN401  see `_rows`
    with closing(connection.execute(query, execution_options={"yield_per": _BATCH})) as result:
        yield from result


def _keyed(rows: Iterator[Any]) -> Iterator[_Entry]:
    return ((row.id, row) for row in rows)


def _id(entry: _Entry) -> str:
    return entry[0]


def _gather(entries: Iterator[_Entry]) -> _Issuance:
    gathered = _Issuance()
    for _, found in entries:
        if found.outcome is None:
            gathered.row = found
        else:
            gathered.events[found.outcome] = found
    return gathered


def _problem(issuance: _Issuance) -> str | None:
    row, events = issuance.row, issuance.events
    if row is None:
        return "its events are on record, but its row is missing"
    missing = sorted(_EVENTS_OF.get(row.state, frozenset({row.state})) - events.keys())
    if missing:
        return f"it is {row.state}, but the record has no event of it with outcome {' or '.join(missing)}"
    differing = _differing(row, events)
    return f"its row and its events differ in {', '.join(differing)}" if differing else None


def _differing(row: Any, events: Mapping[str, Any]) -> Sequence[str]:  # noqa: ANN401  rows
    by_user = [event for outcome, event in events.items() if outcome != _SETTLED]
    said = {"user_id": {event.actor_id for event in by_user}, "role_arn": set[object]()}
    for event in events.values():
        said["role_arn"].add(_detail(event.detail).get("role_arn"))
    if row.state == "issued":
        said["access_key_id"] = {_detail(events["issued"].detail).get("access_key_id")}
    return [name for name, values in said.items() if values != {getattr(row, name)}]


def _detail(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
