"""Audit: what is on record, searched, one event in full, taken out, and checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.export import FORMATS, every_event, pieces
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.admin.reporting.store.events import RecordedEvent
from daypass.portal.admin.reporting.store.verifications import Progress
from daypass.portal.admin.tenants.store.tenants import TenantQuery
from daypass.portal.admin.users.store.users import UserQuery
from daypass.portal.audit.log import Event
from daypass.portal.errors import InvalidRequest, TenantNotFound
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.identity.usernames import ACTORS
from daypass.portal.storage.pagination import PageRequest

ADDRESS = "/administrator/audit"
VERIFY = f"{ADDRESS}/verify"

_SHOWN = 50
_OFFERED = 200
_RANGES = (("Today", 1), ("7 days", 7), ("30 days", 30))
_ASK_AGAIN = "2"
"""Seconds until a browser asks how far a check is."""
_DAY = timedelta(days=1)
_TONES = {"done": "ok", "issued": "ok", "denied": "bad", "failed": "bad"}
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_FIELDS = ("user", "tenant", "action", "outcome", "since", "until")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, as it was typed."""

    user: str = ""
    tenant: str = ""
    action: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Search":
        """What an address asks for."""
        return cls(**{name: query.get(name, "").strip() for name in _FIELDS})

    @property
    def written(self) -> dict[str, str]:
        """The same as the query of an address."""
        return {name: value for name in _FIELDS if (value := getattr(self, name))}

    @property
    def filter(self) -> SessionFilter:
        """The same for the record; days are whole days in UTC, the last one included."""
        until = _day(self.until)
        return SessionFilter(
            user=self.user or None,
            tenant=self.tenant or None,
            since=_day(self.since),
            until=None if until is None else until + _DAY,
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the table."""

    event: RecordedEvent
    tenant: str
    tone: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What *Audit* shows."""

    rows: Sequence[EventRow]
    search: Search
    offers: "SearchOptions"
    ranges: Sequence["Range"]
    exports: Sequence[tuple[str, str]]
    first: str
    following: str
    wrong: str


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Values that the fields of the search offer; *users* and *tenants* may be the first of more."""

    users: Sequence[str]
    tenants: Sequence[str]
    actions: Sequence[str]
    outcomes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Range:
    """Days up to today that one press searches."""

    label: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """One event in full."""

    row: EventRow
    detail: Sequence[tuple[str, str]]


OUTCOMES = ("done", "issued", "requested", "denied", "failed", "unknown", "alert")
"""Outcomes that events have."""


@dataclass(frozen=True, slots=True)
class AuditPages:
    """The pages about the record."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """A page of events, newest first."""
        search, cursor = Search.of(visit.query), visit.query.get("cursor") or None
        try:
            found = self.administration.records.events(
                search.filter,
                PageRequest(cursor, _SHOWN),
                action=search.action or None,
                outcome=search.outcome or None,
            )
        except InvalidRequest as refusal:
            empty = self._page(Search(), [], None, None, visit.frame.now)
            page = replace(empty, search=search, offers=self._offers(search), wrong=refusal.reason)
            return self.pages.show(visit.frame, "pages/admin/audit.html", page, status_of(refusal))
        page = self._page(search, self._rows(found.records), cursor, found.next_cursor, visit.frame.now)
        return self.pages.show(visit.frame, "pages/admin/audit.html", page)

    def one(self, visit: PageVisit) -> Response:
        """One event in full."""
        event = self.administration.records.event(visit.path["event"])
        (row,) = self._rows([event])
        detail = [(key, _shown(value)) for key, value in json.loads(event.detail).items()]
        return self.pages.show(visit.frame, "pages/admin/event.html", EventPage(row, detail))

    def export(self, visit: PageVisit) -> Response:
        """All that a search finds, as a file; that it was taken out is on record too."""
        form = visit.query.get("format", "")
        if form not in FORMATS:
            raise InvalidRequest("The record comes as csv or as jsonl.")
        search, caller = Search.of(visit.query), visit.caller
        wanted, told = search.filter, {"format": form, **search.written}
        self.administration.settings.desk.audit.commit(
            Event(
                "audit.export",
                caller.user.id,
                caller.user.username,
                None,
                "audit",
                "done",
                told,
                caller.request_id,
            )
        )
        events = every_event(
            self.administration.records, wanted, action=search.action or None, outcome=search.outcome or None
        )
        name = f"daypass-audit-{visit.frame.now:%Y-%m-%d}.{form}"
        headers = {**self.pages.headers, "Content-Disposition": f'attachment; filename="{name}"'}
        lines = FORMATS[form](events)
        if form == "csv":
            # Without a byte order mark Excel takes the file for the legacy encoding of its country.
            lines = chain(["\ufeff"], lines)
        return StreamingResponse(pieces(lines), headers=headers, media_type=_MEDIA_TYPES[form])

    def verify(self, _visit: PageVisit) -> Response:
        """Begin to check every chain, unless that is being done."""
        self.administration.verification.start()
        return redirect(VERIFY)

    def verified(self, visit: PageVisit) -> Response:
        """How far the check is, or what came of it."""
        progress = self.administration.verification.progress
        response = self.pages.show(visit.frame, "pages/admin/audit-verified.html", VerifiedPage(progress))
        if progress is not None and progress.is_running:
            # The browser asks again by itself, with script or without.
            response.headers["Refresh"] = _ASK_AGAIN
        return response

    def _page(
        self,
        search: Search,
        rows: Sequence[EventRow],
        cursor: str | None,
        following: str | None,
        now: datetime,
    ) -> AuditPage:
        return AuditPage(
            rows=rows,
            search=search,
            offers=self._offers(search),
            ranges=_ranges(search, now),
            exports=[
                ("JSON lines", _address(f"{ADDRESS}/export", {"format": "jsonl", **search.written})),
                ("CSV", _address(f"{ADDRESS}/export", {"format": "csv", **search.written})),
            ],
            first=_address(ADDRESS, search.written) if cursor else "",
            following=_address(ADDRESS, {**search.written, "cursor": following}) if following else "",
            wrong="",
        )

    def _offers(self, search: Search) -> SearchOptions:
        users = self.administration.users.page(UserQuery(), PageRequest(limit=_OFFERED)).records
        tenants = self.administration.tenants.page(TenantQuery(), PageRequest(limit=_OFFERED)).records
        return SearchOptions(
            users=[*ACTORS, *(one.user.username for one in users)],
            tenants=[one.tenant.name for one in tenants],
            actions=_with(search.action, self.administration.records.actions()),
            outcomes=_with(search.outcome, OUTCOMES),
        )

    def _rows(self, events: Sequence[RecordedEvent]) -> Sequence[EventRow]:
        names = {event.tenant_id: self._tenant(event.tenant_id) for event in events if event.tenant_id}
        return [
            EventRow(event, names.get(event.tenant_id or "", ""), _TONES.get(event.outcome, ""))
            for event in events
        ]

    def _tenant(self, tenant_id: str) -> str:
        try:
            return self.administration.tenants.find(tenant_id).tenant.name
        except TenantNotFound:
            return tenant_id


@dataclass(frozen=True, slots=True)
class VerifiedPage:
    """The state of the last verification of the record; None before the first."""

    progress: Progress | None


def _with(chosen: str, offered: Sequence[str]) -> Sequence[str]:
    """Return what is offered, with what an address asks for even if that is not on record."""
    return offered if not chosen or chosen in offered else [*offered, chosen]


def _ranges(search: Search, now: datetime) -> Sequence[Range]:
    ranges = []
    for label, days in _RANGES:
        since = f"{now - (days - 1) * _DAY:%Y-%m-%d}"
        wanted = replace(search, since=since, until="")
        ranges.append(Range(label, _address(ADDRESS, wanted.written), wanted == search))
    return ranges


def _day(typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        return datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidRequest("A day is written like 2026-11-24.") from error


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
