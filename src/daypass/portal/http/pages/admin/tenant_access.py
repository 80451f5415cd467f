"""A tenant's tab User Access: its members and their access."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MemberRecord, UserQuery
from daypass.portal.errors import InvalidRequest, PermissionSetNotFound, UserNotFound
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.admin.permission_sets.choice import SetChoice, chosen_set
from daypass.portal.http.pages.admin.settings_form import require_text
from daypass.portal.http.pages.admin.tenant_list import TENANT_PATH
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading
from daypass.portal.http.pages.set_words import in_words
from daypass.portal.http.services import Services
from daypass.portal.storage.pagination import PageRequest

_SUGGESTED = 100


@dataclass(frozen=True, slots=True)
class AccessPage:
    """The data of the tab."""

    heading: TenantHeading
    rows: Sequence[MemberRecord]
    total: str
    listing: ListQuery
    following: str
    suggested: Sequence[str]
    """Suggested usernames; others can be typed."""
    group_count: int
    """The number of groups that give access, too."""
    user: str
    sets: SetChoice
    error: str


@dataclass(frozen=True, slots=True)
class AccessPages:
    """Handlers of the members of one tenant."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the tab."""
        return self._answer(visit)

    def put(self, visit: PageVisit) -> Response:
        """Grant a user access, or give a member another permission set."""
        heading = tenant_heading(self.administration.tenants, visit)
        try:
            user = require_text(visit.form.get("user"), "Select a User.")
            chosen = chosen_set(visit.form)
            member = self.administration.members.put(heading.tenant.id, user, chosen, visit.caller)
        except (InvalidRequest, UserNotFound, PermissionSetNotFound) as refusal:
            return self._answer(visit, status_of(refusal), refusal.reason)
        granted = in_words(member.permission_set)
        return redirect(
            heading.address, f"{member.user.username} now has {granted} in {heading.tenant.name}."
        )

    def remove(self, visit: PageVisit) -> Response:
        """Remove a user's access."""
        heading = tenant_heading(self.administration.tenants, visit)
        self.administration.members.remove(heading.tenant.id, visit.form.get("user"), visit.caller)
        return redirect(heading.address, f"Access to {heading.tenant.name} is removed.")

    def _answer(self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, error: str = "") -> Response:
        heading = tenant_heading(self.administration.tenants, visit)
        listing = ListQuery.of(visit.query, heading.address, ["username"])
        members, search = self.administration.members, listing.search
        result = members.of_tenant(heading.tenant.id, listing.page_request, search)
        users = self.administration.users.page(UserQuery(is_disabled=False), PageRequest(limit=_SUGGESTED))
        page = AccessPage(
            heading=heading,
            rows=result.records,
            total=total(result, listing, lambda: members.count_of_tenant(heading.tenant.id, search)),
            listing=listing,
            following=listing.following(result.next_cursor),
            suggested=[record.user.username for record in users.records],
            group_count=len(self.administration.group_memberships.of_tenant(heading.tenant.id)),
            user=visit.form.get("user"),
            sets=SetChoice.of(self.administration.permission_sets, visit.form),
            error=error,
        )
        return self.pages.show(visit.layout, "pages/admin/tenant-access.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = AccessPages(services.pages, services.administration)
    return [
        administrator.page(TENANT_PATH, pages.show),
        administrator.form(TENANT_PATH, pages.put),
        administrator.form(f"{TENANT_PATH}/remove", pages.remove),
    ]
