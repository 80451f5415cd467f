"""Overview: who is in AWS now, what was refused, what ends soon, and what has less effect than it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.overview import ADMIN, CappedTenant, Overview
from daypass.portal.admin.roles.provisioner import Outcome
from daypass.portal.admin.users.store.tokens import TokenRecord
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer

ADDRESS = "/administrator/overview"

_SHOWN = 10
_REASONS = {
    "access_denied": "Not allowed to them",
    "insufficient_scope": "Beyond the authorized scope",
    "tenant_not_found": "No such tenant of theirs",
    "jit_disabled": "JIT access is off",
    "sign_in_again": "The sign-in was about to end",
    "unauthenticated": "Ended a moment before",
    "invalid_duration": "No length that AWS gives",
    "invalid_request": "No page of the AWS console",
    "aws_refused": "AWS said no",
    "aws_trust": "The role does not let the portal in",
    "aws_throttled": "AWS asked for a pause",
    "aws_unavailable": "AWS did not answer",
    "aws_misconfigured": "The portal's own AWS set-up",
    "audit_unavailable": "The record could not be written",
    "storage_unavailable": "The database did not answer",
    "outcome_unknown": "Outcome unknown: the portal stopped meanwhile",
}
"""Of refusals and failures, in the third person."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of a chart."""

    label: str
    count: int
    is_today: bool


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a list of counts, and how long its bar is, in percent of the longest."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What *Overview* shows."""

    live: int
    by_tenant: Sequence[Share]
    by_user: Sequence[Share]
    issued: Sequence[Bar]
    refused: Sequence[Bar]
    """By our own rules, or by AWS."""
    reasons: Sequence[Share]
    tokens: Sequence[TokenRecord]
    capped: Sequence[CappedTenant]
    roles_waiting: int
    roles_refused: int
    roles_missing: int

    @property
    def total(self) -> int:
        """How many sessions the chart is of."""
        return sum(bar.count for bar in self.issued)

    @property
    def total_refused(self) -> int:
        """How many refusals the chart is of."""
        return sum(bar.count for bar in self.refused)


@dataclass(frozen=True, slots=True)
class OverviewPages:
    """The page *Overview*."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """How things stand now."""
        overview = self.administration.overviews.read()
        maxima = self.administration.maxima
        roles = {} if maxima is None else maxima.progress()
        return self.pages.show(visit.frame, "pages/admin/overview.html", _page(overview, roles))


def _page(overview: Overview, roles: Mapping[Outcome, int]) -> OverviewPage:
    reasons = {_REASONS.get(code, code): number for code, number in overview.refusals.items()}
    by_tenant = {
        "Master role" if name == ADMIN else name: number for name, number in overview.live_by_tenant.items()
    }
    return OverviewPage(
        live=overview.live,
        by_tenant=_shares(by_tenant),
        by_user=_shares(overview.live_by_user),
        issued=_bars({day.date: day.issued for day in overview.days}),
        refused=_bars({day.date: day.refused + day.failed for day in overview.days}),
        reasons=_shares(reasons),
        tokens=overview.ending_tokens,
        capped=overview.capped,
        roles_waiting=roles.get(Outcome.WAITING, 0),
        roles_refused=roles.get(Outcome.REFUSED, 0),
        roles_missing=roles.get(Outcome.MISSING, 0),
    )


def _bars(counted: Mapping[date, int]) -> Sequence[Bar]:
    today = max(counted)
    return [Bar(f"{day:%-d %b}", number, day == today) for day, number in counted.items()]


def _shares(counted: Mapping[str, int]) -> Sequence[Share]:
    """The most frequent ones, and the rest in one line."""
    first = list(counted.items())[:_SHOWN]
    rest = sum(counted.values()) - sum(number for _, number in first)
    shown = [*first, (f"{len(counted) - _SHOWN} more", rest)] if rest else first
    longest = max((number for _, number in shown), default=1)
    return [Share(name, number, round(100 * number / longest, 1)) for name, number in shown]
