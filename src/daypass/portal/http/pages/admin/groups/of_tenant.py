"""The tab Group Access of a tenant's page: the groups that give access, and the users who get it."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import UserByGroup
from daypass.portal.groups.model import GroupMembership
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading

_SHOWN_GROUPS = 50


@dataclass(frozen=True, slots=True)
class TenantGroupsPage:
    """The data of the tab."""

    heading: TenantHeading
    groups: Sequence[GroupMembership]
    """The first ones by name."""
    group_count: int
    rows: Sequence[UserByGroup]
    total: str
    listing: ListQuery
    following: str


@dataclass(frozen=True, slots=True)
class TenantGroupsPages:
    """The handler of the tab."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the groups of one tenant, and a page of their members."""
        heading, memberships = (
            tenant_heading(self.administration.tenants, visit),
            self.administration.group_memberships,
        )
        tenant = heading.tenant.id
        listing = ListQuery.of(visit.query, f"{heading.address}/groups", ["username"])
        groups = memberships.of_tenant(tenant)
        result = memberships.users_of_tenant(tenant, listing.page_request, listing.search)
        page = TenantGroupsPage(
            heading=heading,
            groups=groups[:_SHOWN_GROUPS],
            group_count=len(groups),
            rows=result.records,
            total=total(result, listing, lambda: memberships.count_users_of_tenant(tenant, listing.search)),
            listing=listing,
            following=listing.following(result.next_cursor),
        )
        return self.pages.show(visit.layout, "pages/admin/tenant-groups.html", page)
