"""System Settings, tab AWS Roles: maximum session durations and services of the IAM roles, with results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.roles.provisioner import RoleOutcome, RoleStatus
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.roles.services.model import ServiceStatus
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.duration_chart import DurationChart, draw_chart
from daypass.portal.http.pages.admin.listing import ListQuery
from daypass.portal.http.services import Services

_MOST_LIMITS = 100
"""The number of limits that are shown; failures are the first of them."""

ADDRESS = "/administrator/system-settings/roles"

_STATES = {
    RoleOutcome.WAITING: ("Waiting", "warn"),
    RoleOutcome.DONE: ("Done", "ok"),
    RoleOutcome.REFUSED: ("Refused", "bad"),
    RoleOutcome.MISSING: ("Missing", "bad"),
    RoleOutcome.LEFT: ("No longer set", ""),
}


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role with its desired maximum and the result of the change, as a table row."""

    change: RoleStatus
    state: str
    tone: str

    @property
    def role_name(self) -> str:
        """The role's name, the last part of its ARN."""
        return self.change.desired.role_arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The id of the role's AWS account."""
        return self.change.desired.role_arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A role that is limited to some services, with the result of the change, as a table row."""

    change: ServiceStatus
    state: str
    tone: str

    @property
    def role_name(self) -> str:
        """The role's name, the last part of its ARN."""
        return self.change.desired.role_arn.rpartition("/")[2]

    @property
    def services(self) -> str:
        """The names of the services, or that there is no limit."""
        return self.change.desired.text.replace(",", ", ") or "all"


@dataclass(frozen=True, slots=True)
class RolesPage:
    """The data of the tab."""

    rows: Sequence[RoleRow]
    listing: ListQuery
    following: str
    done: int
    waiting: int
    refused: int
    missing: int
    left: int
    master: DurationChart
    """The ruler of an admin session."""
    is_portal_changing: bool
    """Whether the portal changes roles."""
    limits: Sequence[ServiceRow] = ()
    """The roles with a service limit; those whose change failed or waits come first."""

    @property
    def is_any_limit_refused(self) -> bool:
        """Whether a limit was not written to its role."""
        return any(row.tone == "bad" for row in self.limits)

    @property
    def total(self) -> int:
        """The number of roles that the settings apply, or applied, to."""
        return self.done + self.waiting + self.refused + self.missing + self.left


@dataclass(frozen=True, slots=True)
class RolePages:
    """Handlers of the tab AWS Roles."""

    pages: PageRenderer
    reconciler: RoleReconciler | None
    durations: DurationReports

    def show(self, visit: PageVisit) -> Response:
        """Show each role with its result, and the overall progress."""
        listing = ListQuery.of(visit.query, ADDRESS, ["role"])
        if self.reconciler is None:
            master = draw_chart(self.durations.of_admin())
            page = RolesPage((), listing, "", 0, 0, 0, 0, 0, master, is_portal_changing=False)
            return self.pages.show(visit.layout, "pages/admin/roles.html", page)
        # Read first: if no role is waiting at that time, all rows read below have their final result.
        progress = self.reconciler.progress()
        result = self.reconciler.page(None, listing.page_request)
        page = RolesPage(
            rows=[RoleRow(change, *_STATES[change.outcome]) for change in result.records],
            listing=listing,
            following=listing.following(result.next_cursor),
            done=progress.get(RoleOutcome.DONE, 0),
            waiting=progress.get(RoleOutcome.WAITING, 0),
            refused=progress.get(RoleOutcome.REFUSED, 0),
            missing=progress.get(RoleOutcome.MISSING, 0),
            left=progress.get(RoleOutcome.LEFT, 0),
            master=draw_chart(self.durations.of_admin()),
            is_portal_changing=True,
            limits=_service_rows(self.reconciler.services.all().values()),
        )
        return self.pages.show(visit.layout, "pages/admin/roles.html", page)

    def try_again(self, _visit: PageVisit) -> Response:
        """Retry the roles that AWS refused to change and those that were missing."""
        if self.reconciler is not None:
            self.reconciler.try_again()
        return redirect(ADDRESS, "Retrying. The results appear here as they arrive.")


def _service_rows(changes: Iterable[ServiceStatus]) -> Sequence[ServiceRow]:
    rows = [ServiceRow(change, *_STATES[change.outcome]) for change in changes]
    return sorted(rows, key=lambda row: (row.change.outcome is RoleOutcome.DONE, row.role_name))[
        :_MOST_LIMITS
    ]


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = RolePages(services.pages, services.administration.role_reconciler, services.durations)
    return [
        administrator.page(ADDRESS, pages.show, calls_aws=True),
        administrator.form(ADDRESS, pages.try_again),
    ]
