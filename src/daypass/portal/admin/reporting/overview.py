"""How things stand, on one page: who is in AWS now, what was refused, what ends soon."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from daypass.portal.access.model import State
from daypass.portal.admin.reporting.store.overview import capped_validities
from daypass.portal.admin.reporting.store.sessions import SessionList
from daypass.portal.admin.users.store.tokens import TokenList, TokenRecord
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database

DAYS = 30
_DAY = timedelta(days=1)
_SOON = timedelta(days=30)
_TOKENS_SHOWN = 50
ADMIN = "admin"
"""In place of a tenant's name: the master role."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC."""

    date: date
    issued: int
    refused: int
    """By our own rules."""
    failed: int
    """By AWS, or on the way to it; with the attempts whose outcome is unknown."""


@dataclass(frozen=True, slots=True)
class CappedTenant:
    """A tenant whose validity has less effect than it says."""

    tenant: str
    validity: timedelta
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, as of one moment."""

    live: int
    live_by_tenant: Mapping[str, int]
    """The most first; `ADMIN` for the master role."""
    live_by_user: Mapping[str, int]
    days: Sequence[Day]
    """The last thirty, oldest first; days without anything are there too."""
    refusals: Mapping[str, int]
    """How often for which reason in that time, the most first."""
    ending_tokens: Sequence[TokenRecord]
    """Permanent tokens that end within thirty days."""
    capped: Sequence[CappedTenant]


@dataclass(frozen=True, slots=True)
class Overviews:
    """Reads the overview."""

    database: Database
    clock: Clock

    def read(self) -> Overview:
        """How things stand now."""
        now = self.clock()
        first = now.date() - (DAYS - 1) * _DAY
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * _DAY
        with self.database.snapshot() as connection:
            sessions = SessionList(connection)
            live, days, refusals = sessions.live(now), sessions.days(since), sessions.refusals(since)
            tokens = TokenList(connection).ending(now, now + _SOON, _TOKENS_SHOWN)
            capped = [CappedTenant(*one) for one in capped_validities(connection)]
        by_tenant: Counter[str] = Counter()
        by_user: Counter[str] = Counter()
        for username, tenant, number in live:
            by_tenant[ADMIN if tenant is None else tenant] += number
            by_user[username] += number
        return Overview(
            live=by_user.total(),
            live_by_tenant=dict(by_tenant.most_common()),
            live_by_user=dict(by_user.most_common()),
            days=[_day(first + number * _DAY, days) for number in range(DAYS)],
            refusals=dict(refusals),
            ending_tokens=tokens,
            capped=capped,
        )


def _day(at: date, counted: Mapping[tuple[str, State], int]) -> Day:
    def count(state: State) -> int:
        return counted.get((at.isoformat(), state), 0)

    return Day(at, count(State.ISSUED), count(State.DENIED), count(State.FAILED) + count(State.UNKNOWN))
