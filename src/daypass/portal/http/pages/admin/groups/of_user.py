"""The tab Groups of a user's page: the user's groups, and the access that each gives."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserRecord
from daypass.portal.groups.model import GroupMembership
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.groups.heading import GroupHeading
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.pages.admin.user_list import ADDRESS, OneTimeSecret


@dataclass(frozen=True, slots=True)
class GroupOfUser:
    """A group of the user."""

    heading: GroupHeading
    memberships: Sequence[GroupMembership]

    @property
    def text(self) -> str:
        """The names that a search looks in."""
        return " ".join((self.heading.group.name, *(each.tenant.name for each in self.memberships)))


@dataclass(frozen=True, slots=True)
class UserGroupsPage:
    """The data of the tab."""

    record: UserRecord
    reads_only: bool
    listing: ListQuery
    part: Slice[GroupOfUser]
    error_pane: str = ""
    error: str = ""
    new_secret: OneTimeSecret | None = None

    @property
    def address(self) -> str:
        """The address of the user's page."""
        return f"{ADDRESS}/{self.record.user.id}"


@dataclass(frozen=True, slots=True)
class UserGroupsPages:
    """The handler of the tab."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the groups of one user."""
        administration = self.administration
        record = administration.users.find(visit.path["user"])
        listing = ListQuery.of(visit.query, f"{ADDRESS}/{record.user.id}/groups", ["name"])
        page = UserGroupsPage(
            record=record,
            reads_only=administration.members.reads_only(record.user.id),
            listing=listing,
            part=paginate(self._groups(record, visit), listing, lambda group: group.text),
        )
        return self.pages.show(visit.layout, "pages/admin/user-groups.html", page)

    def _groups(self, record: UserRecord, visit: PageVisit) -> Sequence[GroupOfUser]:
        groups, now = self.administration.groups, visit.layout.now
        given: dict[str, list[GroupMembership]] = {}
        for membership in self.administration.group_memberships.of_user(record.user.id):
            given.setdefault(membership.group.id, []).append(membership)
        return [
            GroupOfUser(GroupHeading.of(each, groups.providers, now), given.get(each.group.id, ()))
            for each in groups.of_user(record.user.id)
        ]
