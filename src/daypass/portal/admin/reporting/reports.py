"""Searches of all users' sessions and of the audit log."""

from dataclasses import dataclass
from datetime import datetime

from daypass.common.usernames import canonical_username
from daypass.portal.access.model import Channel, IssuanceRecord, State
from daypass.portal.admin.reporting.model import EventQuery, RecordedEvent, SessionQuery
from daypass.portal.admin.reporting.store.events import EventList
from daypass.portal.admin.reporting.store.sessions import SessionList
from daypass.portal.admin.tenants.store.tenants import TenantList
from daypass.portal.admin.users.store.users import UserList
from daypass.portal.errors import EventNotFound, InvalidRequest
from daypass.portal.identity.model import UserId
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.model import TenantId


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """A filter of sessions or events; users and tenants by name or id, including deleted ones."""

    user: str | None = None
    tenant: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reports:
    """Reads sessions and audit events."""

    database: Database

    def sessions(
        self,
        session_filter: SessionFilter,
        page_request: PageRequest,
        *,
        state: State | None = None,
        door: Channel | None = None,
        live_at: datetime | None = None,
    ) -> Page[IssuanceRecord]:
        """Return a page of all users' sessions, newest first; raises `InvalidRequest`."""
        with self.database.reading() as connection:
            user_id, username = _user(connection, session_filter.user)
            query = SessionQuery(
                user_id=user_id,
                username=username,
                tenant_id=_tenant(connection, session_filter.tenant),
                state=state,
                door=door,
                since=session_filter.since,
                until=session_filter.until,
                live_at=live_at,
            )
            return SessionList(connection).page(query, page_request)

    def events(
        self,
        session_filter: SessionFilter,
        page_request: PageRequest,
        *,
        action: str | None = None,
        outcome: str | None = None,
        subject: str | None = None,
        request_id: str | None = None,
    ) -> Page[RecordedEvent]:
        """Return a page of audit events, newest first; raises `InvalidRequest`."""
        for text in (action, outcome, subject, request_id):
            _check(text)
        with self.database.reading() as connection:
            actor_id, actor = _user(connection, session_filter.user)
            query = EventQuery(
                actor_id=actor_id,
                actor=actor,
                tenant_id=_tenant(connection, session_filter.tenant),
                action=action,
                outcome=outcome,
                subject=subject,
                request_id=request_id,
                since=session_filter.since,
                until=session_filter.until,
            )
            return EventList(connection).page(query, page_request)

    def actions(self) -> list[str]:
        """Return every action in the audit log, in alphabetical order."""
        with self.database.reading() as connection:
            return EventList(connection).actions()

    def event(self, event_id: str) -> RecordedEvent:
        """Return one event with all its fields; raises `EventNotFound`."""
        chain_id, _, position = event_id.rpartition("-")
        event = None
        if chain_id.isalnum() and chain_id.isascii() and position.isascii() and position.isdigit():
            with self.database.reading() as connection:
                # Cut to what the columns can hold; PostgreSQL refuses a larger number.
                event = EventList(connection).find(chain_id[:32], int(position[:9]))
        # The id is compared too, since cut or with leading zeros it may lead to another event.
        if event is None or event.id != event_id:
            raise EventNotFound("There is no such event.")
        return event


def _user(connection: Connection, reference: str | None) -> tuple[UserId | None, str | None]:
    """Return the filter: the id of an existing user, or else the name of a deleted one."""
    if reference is None:
        return None, None
    _check(reference)
    name = canonical_username(reference)
    record = UserList(connection).find(name) if is_storable(name) else None
    return (None, name) if record is None else (record.user.id, None)


def _tenant(connection: Connection, reference: str | None) -> TenantId | None:
    if reference is None:
        return None
    _check(reference)
    record = TenantList(connection).find(reference)
    return TenantId(reference) if record is None else record.tenant.id


def _check(text: str | None) -> None:
    if text is not None and not (text.isprintable() and len(text) <= 1000):
        raise InvalidRequest("A search text has at most 1,000 characters, all of them printable.")
