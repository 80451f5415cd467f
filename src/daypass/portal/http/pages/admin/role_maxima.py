"""System Settings, tab AWS Roles: what the settings want of the IAM roles, and what became of it in AWS."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.roles.provisioner import Outcome, RoleStatus
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.duration_report import Durations
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.duration_chart import DurationChart, drawn
from daypass.portal.http.pages.admin.listing import ListQuery

ADDRESS = "/administrator/system-settings/roles"

_STATES = {
    Outcome.WAITING: ("Waiting", "warn"),
    Outcome.DONE: ("Done", "ok"),
    Outcome.REFUSED: ("Refused", "bad"),
    Outcome.MISSING: ("Missing", "bad"),
    Outcome.LEFT: ("No longer set", ""),
}


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One role: what is wanted of it, and what became of that."""

    change: RoleStatus
    state: str
    tone: str

    @property
    def role_name(self) -> str:
        """The role's name, which says all that its ARN does within one account."""
        return self.change.wish.role_arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The AWS account that it is in."""
        return self.change.wish.role_arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class RolesPage:
    """What the tab shows."""

    rows: Sequence[RoleRow]
    listing: ListQuery
    following: str
    done: int
    waiting: int
    refused: int
    missing: int
    left: int
    master: DurationChart
    """How long an admin session lasts."""
    is_portal_changing: bool
    """Whether the portal changes roles at all."""

    @property
    def total(self) -> int:
        """How many roles there are that the settings are, or were, about."""
        return self.done + self.waiting + self.refused + self.missing + self.left


@dataclass(frozen=True, slots=True)
class RolePages:
    """The IAM roles behind all tenants."""

    pages: PageRenderer
    maxima: RoleReconciler | None
    durations: Durations

    def show(self, visit: PageVisit) -> Response:
        """Each role with its result, and how far it all is."""
        listing = ListQuery.of(visit.query, ADDRESS, ["role"])
        if self.maxima is None:
            master = drawn(self.durations.of_admin())
            page = RolesPage((), listing, "", 0, 0, 0, 0, 0, master, is_portal_changing=False)
            return self.pages.show(visit.frame, "pages/admin/roles.html", page)
        # Before all else: where nothing waits any more, each row has its result, and so has the master role.
        progress = self.maxima.progress()
        found = self.maxima.page(None, listing.turn)
        page = RolesPage(
            rows=[RoleRow(change, *_STATES[change.outcome]) for change in found.records],
            listing=listing,
            following=listing.following(found.next_cursor),
            done=progress.get(Outcome.DONE, 0),
            waiting=progress.get(Outcome.WAITING, 0),
            refused=progress.get(Outcome.REFUSED, 0),
            missing=progress.get(Outcome.MISSING, 0),
            left=progress.get(Outcome.LEFT, 0),
            master=drawn(self.durations.of_admin()),
            is_portal_changing=True,
        )
        return self.pages.show(visit.frame, "pages/admin/roles.html", page)

    def try_again(self, _visit: PageVisit) -> Response:
        """Begin anew with what AWS refused, and with the roles that were not there."""
        if self.maxima is not None:
            self.maxima.try_again()
        return redirect(ADDRESS, "Trying again. Each role gets its result as it comes.")
