"""Overview: live sessions, refusals, expiring tokens, and settings that an IAM role limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TokenRecord
from daypass.portal.admin.reporting.overview import ADMIN, CappedTenant, Overview
from daypass.portal.admin.roles.provisioner import RoleOutcome
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.services import Services

ADDRESS = "/administrator/overview"

_SHOWN = 10
_REASONS = {
    "access_denied": "Access denied",
    "insufficient_scope": "Outside the authorized scope",
    "tenant_not_found": "Tenant not found",
    "jit_disabled": "JIT access is off",
    "sign_in_again": "The sign-in was about to expire",
    "unauthenticated": "The session had ended",
    "invalid_duration": "Duration not allowed by AWS",
    "invalid_request": "Not a page of the AWS console",
    "aws_refused": "AWS refused the request",
    "aws_trust": "The role does not trust the portal",
    "aws_throttled": "AWS throttled the request",
    "aws_unavailable": "AWS did not answer",
    "aws_misconfigured": "The portal's AWS configuration",
    "audit_unavailable": "The audit log could not be written",
    "storage_unavailable": "The database did not answer",
    "outcome_unknown": "Outcome unknown: the portal stopped during the request",
}
"""The labels of refusals and failures, by error code."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of a bar chart."""

    label: str
    count: int
    is_today: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A row of a list of counts, with the length of its bar in percent of the longest."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The data of *Overview*."""

    live: int
    by_tenant: Sequence[Share]
    by_user: Sequence[Share]
    issued: Sequence[Bar]
    refused: Sequence[Bar]
    """Refused by the portal or by AWS."""
    reasons: Sequence[Share]
    tokens: Sequence[TokenRecord]
    capped: Sequence[CappedTenant]
    roles_waiting: int
    roles_refused: int
    roles_missing: int

    @property
    def total(self) -> int:
        """The number of sessions in the chart."""
        return sum(bar.count for bar in self.issued)

    @property
    def total_refused(self) -> int:
        """The number of refusals in the chart."""
        return sum(bar.count for bar in self.refused)


@dataclass(frozen=True, slots=True)
class OverviewPages:
    """The handler of *Overview*."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the current state."""
        overview = self.administration.overviews.read()
        reconciler = self.administration.role_reconciler
        roles = {} if reconciler is None else reconciler.progress()
        return self.pages.show(visit.layout, "pages/admin/overview.html", _page(overview, roles))


def _page(overview: Overview, roles: Mapping[RoleOutcome, int]) -> OverviewPage:
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
        roles_waiting=roles.get(RoleOutcome.WAITING, 0),
        roles_refused=roles.get(RoleOutcome.REFUSED, 0),
        roles_missing=roles.get(RoleOutcome.MISSING, 0),
    )


def _bars(counts: Mapping[date, int]) -> Sequence[Bar]:
    today = max(counts)
    return [Bar(f"{day:%-d %b}", number, day == today) for day, number in counts.items()]


def _shares(counts: Mapping[str, int]) -> Sequence[Share]:
    """Return the largest counts, and the sum of the others as one row."""
    first = list(counts.items())[:_SHOWN]
    rest = sum(counts.values()) - sum(number for _, number in first)
    shown = [*first, (f"{len(counts) - _SHOWN} more", rest)] if rest else first
    longest = max((number for _, number in shown), default=1)
    return [Share(name, number, round(100 * number / longest, 1)) for name, number in shown]


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    return [administrator.page(ADDRESS, OverviewPages(services.pages, services.administration).show)]
