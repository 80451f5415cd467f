"""The list of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import GroupQuery
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.groups.addresses import CREATE, GROUPS
from daypass.portal.http.pages.admin.groups.heading import GroupHeading
from daypass.portal.http.pages.admin.listing import ListQuery, total


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """The data of the list."""

    rows: Sequence[GroupHeading]
    total: str
    listing: ListQuery
    following: str
    create: str = CREATE
    """The address of the form for a new group."""


@dataclass(frozen=True, slots=True)
class GroupListPages:
    """The handler of the list."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """Show a page of groups."""
        groups = self.administration.groups
        listing = ListQuery.of(visit.query, GROUPS, ["name"])
        query = GroupQuery(search=listing.search)
        result = groups.page(query, listing.page_request)
        page = GroupsPage(
            rows=[GroupHeading.of(record, groups.providers, visit.layout.now) for record in result.records],
            total=total(result, listing, lambda: groups.count(query)),
            listing=listing,
            following=listing.following(result.next_cursor),
        )
        return self.pages.show(visit.layout, "pages/admin/groups.html", page)
