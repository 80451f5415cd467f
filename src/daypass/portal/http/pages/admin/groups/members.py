"""The tab Members of a group; only those of a local group can be changed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserQuery
from daypass.portal.errors import InvalidRequest, UserNotFound
from daypass.portal.groups.model import GroupMember, MemberSource
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.groups.confirmation import SESSIONS_REMAIN, ConfirmationPage
from daypass.portal.http.pages.admin.groups.heading import GroupHeading
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.admin.settings_form import require_text
from daypass.portal.storage.pagination import PageRequest

_SUGGESTED = 100


@dataclass(frozen=True, slots=True)
class MembersPage:
    """The data of the tab."""

    heading: GroupHeading
    rows: Sequence[GroupMember]
    total: str
    listing: ListQuery
    following: str
    suggested: Sequence[str]
    """Suggested usernames; others can be typed."""
    user: str
    """The username that was typed, if the page is shown again with an error."""
    error: str

    @property
    def read_only(self) -> str:
        """The reason why the members cannot be changed here; empty for a local group."""
        if self.heading.group.is_local:
            return ""
        if self.heading.group.source is MemberSource.CLAIM:
            return (
                f"The members are the users whose last sign-in at {self.heading.provider} had the value. "
                "Change them there: it applies at the user's next sign-in."
            )
        return f"{self.heading.provider} sends the members by SCIM. Change them there."

    @property
    def is_detached(self) -> bool:
        """True if the configuration takes no members from the group's provider."""
        return self.heading.problem is not None and self.heading.problem.is_detached

    @property
    def no_members(self) -> str:
        """The explanation of an empty group."""
        if self.heading.group.is_local:
            return "Add the users who get what the group gives."
        if self.is_detached:
            return "None come from the identity provider any more."
        if self.heading.group.source is MemberSource.CLAIM:
            return "At their last sign-in, no user had the group's value."
        return f"{self.heading.provider} has put no users into this group."


@dataclass(frozen=True, slots=True)
class MemberPages:
    """Handlers of the members of one group."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """Show the tab."""
        return self._list(visit)

    def add(self, visit: PageVisit) -> Response:
        """Add a member; raises `GroupReadOnly` for a group of a provider."""
        heading = self._heading(visit)
        try:
            username = require_text(visit.form.get("user"), "Enter a username.")
            added = self.administration.group_members.add(heading.group.id, username, visit.caller)
        except (InvalidRequest, UserNotFound) as refusal:
            return self._list(visit, status_of(refusal), refusal.reason)
        return redirect(
            f"{heading.address}/members", f"{added.user.username} is a member of {heading.group.name}."
        )

    def ask_remove(self, visit: PageVisit) -> Response:
        """Show what the removal of a member ends."""
        heading = self._heading(visit)
        member = self.administration.group_members.find(heading.group.id, visit.path["user"])
        username, number = member.user.username, heading.record.memberships
        tenants = "one tenant" if number == 1 else f"{number} tenants"
        page = ConfirmationPage(
            heading=heading,
            title=f"Remove {username}",
            consequences=[
                f"What {heading.group.name} gives {username} in {tenants} ends immediately.",
                "The user keeps the access that their own memberships or other groups give.",
                SESSIONS_REMAIN,
            ],
            act="Remove member",
            address=f"{heading.address}/members/{member.user.id}/remove",
            back=f"{heading.address}/members",
        )
        return self.pages.show(visit.layout, "pages/admin/group-confirmation.html", page)

    def remove(self, visit: PageVisit) -> Response:
        """Remove a member; raises `GroupReadOnly` or `MembershipNotFound`."""
        heading = self._heading(visit)
        username = self.administration.users.find(visit.path["user"]).user.username
        self.administration.group_members.remove(heading.group.id, username, visit.caller)
        return redirect(
            f"{heading.address}/members", f"{username} is no longer a member of {heading.group.name}."
        )

    def _list(self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, error: str = "") -> Response:
        heading, members = self._heading(visit), self.administration.group_members
        listing = ListQuery.of(visit.query, f"{heading.address}/members", ["username"])
        result = members.page(heading.group.id, listing.page_request, listing.search)
        page = MembersPage(
            heading=heading,
            rows=result.records,
            total=total(result, listing, lambda: members.count(heading.group.id, listing.search)),
            listing=listing,
            following=listing.following(result.next_cursor),
            suggested=self._suggested() if heading.group.is_local else (),
            user=visit.form.get("user"),
            error=error,
        )
        return self.pages.show(visit.layout, "pages/admin/group-members.html", page, status)

    def _suggested(self) -> Sequence[str]:
        users = self.administration.users.page(UserQuery(is_disabled=False), PageRequest(limit=_SUGGESTED))
        return [record.user.username for record in users.records]

    def _heading(self, visit: PageVisit) -> GroupHeading:
        groups = self.administration.groups
        return GroupHeading.of(groups.find(visit.path["group"]), groups.providers, visit.layout.now)
