"""The roles of a permission set that has one of its own in each tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin.model import SetRoleRecord, TenantQuery
from daypass.portal.admin.permission_sets.service import PermissionSets
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.permission_sets.model import PermissionSet

COMMANDS = (
    (
        "daypass portal fence plan",
        "Shows the calls to IAM that create or repair these roles. Changes nothing.",
    ),
    (
        "daypass portal fence apply",
        "Asks, then makes these calls. Deny statements that you added to a role stay.",
    ),
)
"""The commands that create and repair the roles, and what they do, in order."""


@dataclass(frozen=True, slots=True)
class SetRoleRow:
    """A role as a table row."""

    record: SetRoleRecord

    @property
    def name(self) -> str:
        """The role's name, the last part of its ARN."""
        return self.record.role_arn.rpartition("/")[2]

    @property
    def checked_at(self) -> datetime | None:
        """The time of the latest check; None if there was none."""
        return self.record.cached.checked_at

    @property
    def problem(self) -> str:
        """The reason why the role may not be used, by that check; empty if it may, or without a check."""
        return self.record.cached.problem or ""

    @property
    def state(self) -> tuple[str, str]:
        """The result of the latest check, and the kind of its tag."""
        if self.checked_at is None:
            return "Not checked", ""
        return ("Failed", "bad") if self.problem else ("Passed", "ok")


@dataclass(frozen=True, slots=True)
class SetRoles:
    """A page of the roles of a set."""

    rows: Sequence[SetRoleRow]
    total: str
    listing: ListQuery
    following: str

    commands = COMMANDS


def read_set_roles(
    sets: PermissionSets, tenants: Tenants, permission_set: PermissionSet, listing: ListQuery
) -> SetRoles:
    """Return the page that *listing* requests of the roles of a set, by the tenants' names."""
    query = TenantQuery(listing.search)
    result = tenants.page(query, listing.page_request)
    records = sets.roles(permission_set, [record.tenant for record in result.records])
    return SetRoles(
        rows=[SetRoleRow(record) for record in records],
        total=total(result, listing, lambda: tenants.count(query)),
        listing=listing,
        following=listing.following(result.next_cursor),
    )
