"""The groups of the demo, and the memberships that they give."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from daypass.demo.provider import NAME
from daypass.demo.seed.fixtures import GROUPS, ON_CALL
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group, add_group_member, add_group_membership
from daypass.portal.identity.model import UserId
from daypass.portal.permission_sets.model import BUILT_IN, READ_ONLY
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Access, GroupId, TenantId


def add_groups(connection: Connection, tenants: Mapping[str, str], at: datetime) -> None:
    """Add the groups of the demo's identity provider; *tenants* are the tenants' ids by name.

    Members come with the claims of sign-ins.
    """
    for name, memberships in GROUPS.items():
        group = Group(GroupId(uuid4().hex), name, MemberSource.CLAIM, NAME, external_id=name)
        add_group(group, at=at).apply(connection)
        for tenant, access in memberships.items():
            tenant_id, permission_set = TenantId(tenants[tenant]), BUILT_IN[Access(access)]
            add_group_membership(group.id, tenant_id, permission_set, None, at=at).apply(connection)


def add_local_group(connection: Connection, member: UserId, tenant: TenantId, at: datetime) -> None:
    """Add the local group with one member, whom it lets read one tenant for a quarter of a year."""
    group = Group(GroupId(uuid4().hex), ON_CALL, MemberSource.LOCAL, description="Reads production logs.")
    ends_at = at + timedelta(days=90)
    for change in (
        add_group(group, at=at),
        add_group_member(group.id, member, at=at),
        add_group_membership(group.id, tenant, READ_ONLY, ends_at, at=at),
    ):
        change.apply(connection)
