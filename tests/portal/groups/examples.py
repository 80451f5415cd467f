"""Groups for tests, and their rows."""

from datetime import datetime

from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group, add_group_member, add_group_membership
from daypass.portal.identity.model import User
from daypass.portal.permission_sets.model import FULL, PermissionSet
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.tenants.model import GroupId, Tenant
from tests.fakes import NOON

DEVELOPERS = Group(GroupId("de" * 16), "developers", MemberSource.LOCAL)
PLATFORM = Group(
    GroupId("b1" * 16), "platform", MemberSource.CLAIM, "okta", "daypass-platform", makes_administrators=True
)
SCIM = Group(GroupId("5c" * 16), "scim", MemberSource.SCIM, "okta", "daypass-readers")


def add(connection: Connection, group: Group, *members: User) -> None:
    """Add a group with members."""
    add_group(group, at=NOON).apply(connection)
    for user in members:
        add_group_member(group.id, user.id, at=NOON).apply(connection)


def give(
    database: Database,
    group: Group,
    user: User,
    tenant: Tenant,
    permission_set: PermissionSet = FULL,
    ends_at: datetime | None = None,
) -> None:
    """Add a group with one member and one membership of a tenant."""
    with database.writing() as connection:
        add(connection, group, user)
        add_group_membership(group.id, tenant.id, permission_set, ends_at, at=NOON).apply(connection)
