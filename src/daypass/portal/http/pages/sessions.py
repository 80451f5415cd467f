"""My sessions: the user's issuances, with time, length and reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import WITHOUT_SESSION, IssuanceFilter
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.session_rows import SessionRow, rows
from daypass.portal.http.services import Services
from daypass.portal.storage.pagination import PageRequest

ADDRESS = "/sessions"

_DAYS = 30
_SHOWN = 25
_LONGEST_SEARCH = 64
STATES = (("", "All"), ("live", "Live"), ("refused", "Denied, failed or unknown"))


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of the chart."""

    label: str
    count: int
    is_today: bool


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """The data of *My sessions*."""

    sessions: Sequence[SessionRow]
    days: Sequence[Day]
    total: int
    """The number of sessions in the chart."""
    search: str
    state: str
    states: Sequence[tuple[str, str]]
    first: str
    following: str

    @property
    def is_filtered(self) -> bool:
        """Whether a search or a state limits the list."""
        return bool(self.search or self.state)


@dataclass(frozen=True, slots=True)
class SessionPages:
    """Handlers of *My sessions*."""

    pages: PageRenderer
    history: SessionHistory

    def show(self, visit: PageVisit) -> Response:
        """Show a page of the user's sessions, newest first."""
        user, now = visit.caller.user, visit.layout.now
        search = _searchable(visit.query.get("search", ""))
        state = visit.query.get("state", "")
        issuance_filter = IssuanceFilter(
            search, now if state == "live" else None, WITHOUT_SESSION if state == "refused" else ()
        )
        cursor = visit.query.get("from") or None
        result = self.history.page(user, PageRequest(cursor, _SHOWN), issuance_filter)
        counts = self.history.count_by_day(user, _first_day(now))
        parameters = {name: value for name, value in (("search", search), ("state", state)) if value}
        page = SessionsPage(
            sessions=rows(result.records, now),
            days=_days(counts, now),
            total=sum(counts.values()),
            search=search,
            state=state,
            states=STATES,
            first=_address(parameters) if cursor else "",
            following=_address({**parameters, "from": result.next_cursor}) if result.next_cursor else "",
        )
        return self.pages.show(visit.layout, "pages/sessions.html", page)


def _searchable(typed: str) -> str:
    text = typed.strip().lower()[:_LONGEST_SEARCH]
    return text if text.isprintable() else ""


def _first_day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS - 1)


def _days(counts: Mapping[date, int], now: datetime) -> Sequence[Day]:
    moments = [_first_day(now) + timedelta(days=number) for number in range(_DAYS)]
    return [
        Day(f"{moment:%-d %b}", counts.get(moment.date(), 0), moment.date() == now.date())
        for moment in moments
    ]


def _address(query: Mapping[str, str]) -> str:
    return f"{ADDRESS}?{urlencode(query)}" if query else ADDRESS


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    user = services.page_routes(Permission.USER)
    return [user.page(ADDRESS, SessionPages(services.pages, services.history).show)]
