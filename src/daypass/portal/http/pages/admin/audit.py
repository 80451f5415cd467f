"""Audit: the audit log with search, the details of an event, export, and verification."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantQuery, UserQuery
from daypass.portal.admin.reporting.export import FORMATS, chunks, every_event
from daypass.portal.admin.reporting.model import RecordedEvent, VerificationProgress
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.errors import InvalidRequest, TenantNotFound
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.services import Services
from daypass.portal.identity.usernames import ACTORS
from daypass.portal.storage.pagination import PageRequest

ADDRESS = "/administrator/audit"
VERIFY = f"{ADDRESS}/verify"

_SHOWN = 50
_SUGGESTED = 200
_RANGES = (("Today", 1), ("7 days", 7), ("30 days", 30))
_REFRESH_SECONDS = "2"
"""The interval at which the browser reloads the progress of a verification."""
_DAY = timedelta(days=1)
_TONES = {"done": "ok", "issued": "ok", "denied": "bad", "failed": "bad", "alert": "warn"}
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_FIELDS = ("user", "tenant", "action", "outcome", "since", "until")


@dataclass(frozen=True, slots=True)
class Search:
    """The search of the audit log, as typed."""

    user: str = ""
    tenant: str = ""
    action: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Search":
        """Read it from the *query* of a URL."""
        return cls(**{name: query.get(name, "").strip() for name in _FIELDS})

    @property
    def written(self) -> dict[str, str]:
        """The search as query parameters."""
        return {name: value for name in _FIELDS if (value := getattr(self, name))}

    @property
    def filter(self) -> SessionFilter:
        """The search as a filter, by whole days in UTC, the last included; raises `InvalidRequest`."""
        return SessionFilter(
            user=self.user or None,
            tenant=self.tenant or None,
            since=_day(self.since),
            until=_day(self.until, following=1),
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a table row."""

    event: RecordedEvent
    tenant: str
    tone: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The data of *Audit*."""

    rows: Sequence[EventRow]
    search: Search
    options: "SearchOptions"
    ranges: Sequence["Range"]
    exports: Sequence[tuple[str, str]]
    first: str
    following: str
    error: str


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The values suggested in the search fields; *users* and *tenants* may be incomplete."""

    users: Sequence[str]
    tenants: Sequence[str]
    actions: Sequence[str]
    outcomes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Range:
    """A shortcut that searches the last few days."""

    label: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """The data of the page of one event."""

    row: EventRow
    detail: Sequence[tuple[str, str]]


OUTCOMES = ("done", "issued", "requested", "denied", "failed", "unknown", "alert")
"""The outcomes of events."""


@dataclass(frozen=True, slots=True)
class AuditPages:
    """Handlers of the audit log."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show a page of events, newest first."""
        search, cursor = Search.of(visit.query), visit.query.get("cursor") or None
        try:
            result = self.administration.records.events(
                search.filter,
                PageRequest(cursor, _SHOWN),
                action=search.action or None,
                outcome=search.outcome or None,
            )
        except InvalidRequest as refusal:
            # The shortcuts and exports are made for an empty search, because the typed one is invalid.
            empty = self._page(Search(), [], None, None, visit.layout.now)
            page = replace(empty, search=search, options=self._options(search), error=refusal.reason)
            return self.pages.show(visit.layout, "pages/admin/audit.html", page, status_of(refusal))
        page = self._page(search, self._rows(result.records), cursor, result.next_cursor, visit.layout.now)
        return self.pages.show(visit.layout, "pages/admin/audit.html", page)

    def one(self, visit: PageVisit) -> Response:
        """Show the details of one event; raises `EventNotFound`."""
        event = self.administration.records.event(visit.path["event"])
        (row,) = self._rows([event])
        detail = [(key, _shown(value)) for key, value in json.loads(event.detail).items()]
        return self.pages.show(visit.layout, "pages/admin/event.html", EventPage(row, detail))

    def export(self, visit: PageVisit) -> Response:
        """Download all events that match a search; the export itself is recorded in the audit log."""
        form = visit.query.get("format", "")
        if form not in FORMATS:
            raise InvalidRequest("The export format must be csv or jsonl.")
        search, caller = Search.of(visit.query), visit.caller
        session_filter, detail = search.filter, {"format": form, **search.written}
        event = Event(
            action="audit.export", actor=caller.actor, outcome=Outcome.DONE, subject="audit", detail=detail
        )
        # Before anything is sent: an export that is not in the audit log must not happen.
        self.administration.settings.executor.committer.commit(event)
        events = every_event(
            self.administration.records,
            session_filter,
            action=search.action or None,
            outcome=search.outcome or None,
        )
        name = f"daypass-audit-{visit.layout.now:%Y-%m-%d}.{form}"
        headers = {**self.pages.headers, "Content-Disposition": f'attachment; filename="{name}"'}
        lines = FORMATS[form](events)
        if form == "csv":
            # Without a byte order mark Excel assumes the legacy encoding of the locale.
            lines = chain(["\ufeff"], lines)
        return StreamingResponse(chunks(lines), headers=headers, media_type=_MEDIA_TYPES[form])

    def verify(self, _visit: PageVisit) -> Response:
        """Start a verification of all hash chains, unless one is running."""
        self.administration.verification.start()
        return redirect(VERIFY)

    def verified(self, visit: PageVisit) -> Response:
        """Show the progress or the result of the verification."""
        progress = self.administration.verification.progress
        response = self.pages.show(visit.layout, "pages/admin/audit-verified.html", VerifiedPage(progress))
        if progress is not None and progress.is_running:
            # A Refresh header reloads the page without script, too.
            response.headers["Refresh"] = _REFRESH_SECONDS
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
            options=self._options(search),
            ranges=_ranges(search, now),
            exports=[
                ("JSON lines", _address(f"{ADDRESS}/export", {"format": "jsonl", **search.written})),
                ("CSV", _address(f"{ADDRESS}/export", {"format": "csv", **search.written})),
            ],
            first=_address(ADDRESS, search.written) if cursor else "",
            following=_address(ADDRESS, {**search.written, "cursor": following}) if following else "",
            error="",
        )

    def _options(self, search: Search) -> SearchOptions:
        users = self.administration.users.page(UserQuery(), PageRequest(limit=_SUGGESTED)).records
        tenants = self.administration.tenants.page(TenantQuery(), PageRequest(limit=_SUGGESTED)).records
        return SearchOptions(
            users=[*ACTORS, *(record.user.username for record in users)],
            tenants=[record.tenant.name for record in tenants],
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
    """The data of the verification page; *progress* is None before the first verification."""

    progress: VerificationProgress | None


def _with(selected: str, options: Sequence[str]) -> Sequence[str]:
    """Return *options*, with the *selected* one added if it is missing."""
    return options if not selected or selected in options else [*options, selected]


def _ranges(search: Search, now: datetime) -> Sequence[Range]:
    ranges = []
    for label, days in _RANGES:
        since = f"{now - (days - 1) * _DAY:%Y-%m-%d}"
        range_search = replace(search, since=since, until="")
        ranges.append(Range(label, _address(ADDRESS, range_search.written), range_search == search))
    return ranges


def _day(typed: str, *, following: int = 0) -> datetime | None:
    """Return the beginning of the typed day, or of a *following* one; raises `InvalidRequest`."""
    if not typed:
        return None
    try:
        return datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC) + following * _DAY
    except (ValueError, OverflowError) as error:
        raise InvalidRequest("Enter dates in the form 2026-11-24.") from error


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = AuditPages(services.pages, services.administration)
    return [
        administrator.page(ADDRESS, pages.show),
        # Each export is recorded in the audit log.
        administrator.page(f"{ADDRESS}/export", pages.export, has_effects=True),
        administrator.form(VERIFY, pages.verify),
        administrator.page(VERIFY, pages.verified),
        # Last, because the paths above would otherwise be taken for ids of events.
        administrator.page(f"{ADDRESS}/{{event}}", pages.one),
    ]
