"""Comparison of the issuances with their audit events, in both directions.

Both are written in one transaction, so a difference means that one of the tables was tampered with.
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

from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users

SESSION_ISSUE = "session.issue"
"""The action of events about an issuance; their subject is its id.

It is defined here because this check needs it, and `audit` is below `access`, which writes the events.
"""

_SETTLED = "unknown"
"""The outcome of an attempt that was settled because no outcome was recorded in time."""

_EVENTS_OF: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"requested"}),
    "issued": frozenset({"requested", "issued"}),
    "failed": frozenset({"requested", "failed"}),
    "denied": frozenset({"denied"}),
    _SETTLED: frozenset({"requested", _SETTLED}),
}
"""For each state of an issuance, the outcomes that its events must have."""

_BATCH = 1000

_Entry = tuple[str, Any]


@dataclass(slots=True)
class _Issuance:
    """The row and the events of one issuance id."""

    row: Any = None
    events: dict[str, Any] = field(default_factory=dict)


def differences(connection: Connection, check_cancelled: Callable[[], None] | None = None) -> Iterator[str]:
    """Yield a sentence for each difference; needs a snapshot of both tables, but memory for a few rows only.

    *check_cancelled* is called repeatedly and may raise to end the comparison.
    """
    with (
        # If the comparison ends early, the server-side cursors must be closed.
        closing(_stream(connection, _rows(connection))) as rows,
        closing(_stream(connection, _events(connection))) as events,
    ):
        entries = merge(_keyed(rows), _keyed(events), key=_id)
        for number, (id_, entries_of_id) in enumerate(groupby(entries, key=_id), 1):
            if check_cancelled is not None and number % _BATCH == 0:
                check_cancelled()
            problem = _problem(_gather(entries_of_id))
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
    return (
        select(id_.label("id"), c.actor_id, c.detail, c.outcome)
        .where(c.action == SESSION_ISSUE)
        .order_by(id_)
    )


def _bytewise(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """Return the column with the sort order of Python strings, by which both streams are merged."""
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
    for _, row in entries:
        if row.outcome is None:
            gathered.row = row
        else:
            gathered.events[row.outcome] = row
    return gathered


def _problem(issuance: _Issuance) -> str | None:
    row, events = issuance.row, issuance.events
    if row is None:
        return "the audit log has events of it, but its row is missing"
    missing = sorted(_EVENTS_OF.get(row.state, frozenset({row.state})) - events.keys())
    if missing:
        return f"it is {row.state}, but the audit log has no event of it with outcome {' or '.join(missing)}"
    differing = _differing(row, events)
    return f"its row and its events differ in {', '.join(differing)}" if differing else None


def _differing(row: Any, events: Mapping[str, Any]) -> Sequence[str]:  # noqa: ANN401  rows
    by_user = [event for outcome, event in events.items() if outcome != _SETTLED]
    recorded = {"user_id": {event.actor_id for event in by_user}, "role_arn": set[object]()}
    for event in events.values():
        recorded["role_arn"].add(_detail(event.detail).get("role_arn"))
    if row.state == "issued":
        recorded["access_key_id"] = {_detail(events["issued"].detail).get("access_key_id")}
    return [name for name, values in recorded.items() if values != {getattr(row, name)}]


def _detail(text: str) -> Mapping[str, object]:
    try:
        detail = json.loads(text)
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}
