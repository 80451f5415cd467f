"""Queries on audit events."""

from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from daypass.portal.admin.reporting.model import EventQuery, RecordedEvent
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.audit import audit_events

_c = audit_events.c
_NEWEST_FIRST = Order((_c.at, _c.chain_id, _c.position), is_descending=True)


_EVENT = (
    _c.chain_id,
    _c.position,
    _c.at,
    _c.action,
    _c.actor_id,
    _c.actor,
    _c.tenant_id,
    _c.subject,
    _c.outcome,
    _c.detail,
    _c.request_id,
    _c.hash,
)


class EventList:
    """Reads audit events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, chain_id: str, position: int) -> RecordedEvent | None:
        """Return one event, or None if there is none."""
        row = self._connection.execute(
            select(*_EVENT).where(_c.chain_id == chain_id, _c.position == position)
        ).first()
        return None if row is None else _event(row)

    def actions(self) -> list[str]:
        """Return every action in the audit log, in alphabetical order."""
        # A loose index scan needs one seek per action; DISTINCT would read the whole table.
        first = select(func.min(_c.action).label("action")).cte("actions", recursive=True)
        following = select(func.min(_c.action)).where(_c.action > first.c.action).scalar_subquery()
        actions = first.union_all(select(following).where(first.c.action.is_not(None)))
        rows = self._connection.execute(select(actions.c.action).where(actions.c.action.is_not(None)))
        return sorted(rows.scalars())

    def page(self, query: EventQuery, page_request: PageRequest) -> Page[RecordedEvent]:
        """Return a page of matching events, newest first."""
        return read_page(
            self._connection, _where(select(*_EVENT), query), _NEWEST_FIRST, page_request, _event
        )


def _where(statement: Select[Any], query: EventQuery) -> Select[Any]:
    for name in ("actor_id", "actor", "tenant_id", "action", "outcome", "subject", "request_id"):
        value = getattr(query, name)
        if value is not None:
            statement = statement.where(_c[name] == value)
    if query.since is not None:
        statement = statement.where(_c.at >= query.since)
    if query.until is not None:
        statement = statement.where(_c.at < query.until)
    return statement


def _event(row: Row[*tuple[Any, ...]]) -> RecordedEvent:
    return RecordedEvent(*row)
