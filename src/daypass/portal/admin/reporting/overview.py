"""The overview: live sessions, refusals of the last days, tokens that expire soon, and capped settings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from daypass.portal.access.model import State
from daypass.portal.admin.model import TokenRecord
from daypass.portal.admin.reporting.store.overview import capped_validities
from daypass.portal.admin.reporting.store.sessions import SessionList
from daypass.portal.admin.users.store.tokens import TokenList
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database

DAYS = 30
_DAY = timedelta(days=1)
_SOON = timedelta(days=30)
_TOKENS_SHOWN = 50
ADMIN = "admin"
"""Stands for the master role in the place of a tenant's name."""


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of one day (UTC)."""

    date: date
    issued: int
    refused: int
    """Refused by the portal's rules."""
    failed: int
    """Failed in AWS or on the way to it, including attempts with an unknown outcome."""


@dataclass(frozen=True, slots=True)
class CappedTenant:
    """A tenant whose configured validity exceeds its role's maximum."""

    tenant: str
    validity: timedelta
    maximum: timedelta


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview, as of one moment."""

    live: int
    live_by_tenant: Mapping[str, int]
    """Sorted by number, highest first; `ADMIN` is the master role."""
    live_by_user: Mapping[str, int]
    days: Sequence[Day]
    """The last thirty days, oldest first, including days without sessions."""
    refusals: Mapping[str, int]
    """The number of refusals by reason in these days, highest first."""
    ending_tokens: Sequence[TokenRecord]
    """Permanent tokens that expire within thirty days."""
    capped: Sequence[CappedTenant]


@dataclass(frozen=True, slots=True)
class Overviews:
    """Reads the overview."""

    database: Database
    clock: Clock

    def read(self) -> Overview:
        """Return the overview as of now."""
        now = self.clock()
        first = now.date() - (DAYS - 1) * _DAY
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * _DAY
        # One snapshot, so that the numbers of several queries agree.
        with self.database.snapshot() as connection:
            sessions = SessionList(connection)
            live, days, refusals = sessions.live(now), sessions.days(since), sessions.refusals(since)
            tokens = TokenList(connection).ending(now, now + _SOON, _TOKENS_SHOWN)
            capped = [CappedTenant(*row) for row in capped_validities(connection)]
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
