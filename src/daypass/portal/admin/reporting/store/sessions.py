"""Queries on the sessions of all users."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from daypass.portal.access.model import IssuanceRecord, State
from daypass.portal.access.store.issuances import ISSUANCE_COLUMNS, issuance_record
from daypass.portal.admin.reporting.model import SessionQuery
from daypass.portal.storage.columns import utc_day
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.access import issuances

_c = issuances.c
_NEWEST_FIRST = Order((_c.asked_at, _c.id), is_descending=True)
_LONGEST = timedelta(hours=13)
"""The longest possible session. It bounds the search for live ones, so that an index is used."""


class SessionList:
    """The issuance attempts of all users, with any outcome."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, query: SessionQuery, page_request: PageRequest) -> Page[IssuanceRecord]:
        """Return a page of matching sessions, newest first."""
        return read_page(
            self._connection,
            _where(select(*ISSUANCE_COLUMNS), query),
            _NEWEST_FIRST,
            page_request,
            issuance_record,
        )

    def live(self, now: datetime) -> Sequence[tuple[str, str | None, int]]:
        """Return the number of live sessions by username and tenant name; None is the master role."""
        query = select(_c.username, _c.tenant_name, func.count()).group_by(_c.username, _c.tenant_name)
        return [tuple(row) for row in self._connection.execute(_where(query, SessionQuery(live_at=now)))]

    def days(self, since: datetime) -> Mapping[tuple[str, State], int]:
        """Return the number of attempts by day (UTC, ISO 8601) and state."""
        day = utc_day(self._connection, _c.asked_at)
        query = select(day, _c.state, func.count()).where(_c.asked_at >= since).group_by(day, _c.state)
        return {(str(at), State(state)): number for at, state, number in self._connection.execute(query)}

    def refusals(self, since: datetime) -> Sequence[tuple[str, int]]:
        """Return the reasons of failed attempts with their number, the most frequent first."""
        query = (
            select(_c.failure, func.count().label("number"))
            .where(_c.asked_at >= since, _c.failure.is_not(None))
            .group_by(_c.failure)
            .order_by(func.count().desc(), _c.failure)
        )
        return [(failure, number) for failure, number in self._connection.execute(query)]


def _where(statement: Select[Any], query: SessionQuery) -> Select[Any]:
    for name in ("user_id", "username", "tenant_id", "state", "door"):
        value = getattr(query, name)
        if value is not None:
            statement = statement.where(_c[name] == value)
    if query.since is not None:
        statement = statement.where(_c.asked_at >= query.since)
    if query.until is not None:
        statement = statement.where(_c.asked_at < query.until)
    if query.live_at is not None:
        statement = statement.where(
            _c.state == State.ISSUED,
            _c.asked_at > query.live_at - _LONGEST,
            _c.expires_at > query.live_at,
        )
    return statement
