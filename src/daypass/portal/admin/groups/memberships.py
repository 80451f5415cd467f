"""The memberships of tenants that groups give to their members."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin import reauthentication
from daypass.portal.admin.groups.model import UserByGroup, membership_version
from daypass.portal.admin.groups.service import find_group
from daypass.portal.admin.groups.store import GroupList
from daypass.portal.admin.model import Version
from daypass.portal.admin.permission_sets.service import find_permission_set
from daypass.portal.admin.tenants.service import find_tenant, part_of_name
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    check_version,
    single_change,
    timestamp,
)
from daypass.portal.admin.users.service import find_user, part_of_username
from daypass.portal.errors import InvalidRequest, MembershipNotFound
from daypass.portal.groups.model import Group, GroupMembership
from daypass.portal.groups.store import (
    add_group_membership,
    change_group_membership,
    remove_group_membership,
)
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.tenants.model import Access, Tenant


@dataclass(frozen=True, slots=True)
class GroupMemberships:
    """The actions of Administrators on the memberships of groups; references are ids or names."""

    executor: ChangeExecutor

    def find(self, group: str, tenant: str) -> GroupMembership:
        """Return one membership; raises `GroupNotFound`, `TenantNotFound` or `MembershipNotFound`."""
        with self.executor.database.reading() as connection:
            found, entered = find_group(connection, group).group, find_tenant(connection, tenant).tenant
            membership = GroupList(connection).find_membership(found.id, entered.id)
        if membership is None:
            raise _no_membership(found, entered)
        return membership

    def page(self, group: str, page_request: PageRequest, search: str = "") -> Page[GroupMembership]:
        """Return a page of the memberships that a group gives, by tenant name; *search* is a part of it."""
        with self.executor.database.reading() as connection:
            found = find_group(connection, group).group
            return GroupList(connection).memberships(found.id, part_of_name(search), page_request)

    def count(self, group: str, search: str = "") -> int:
        """Return the number of memberships on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        with self.executor.database.reading() as connection:
            found = find_group(connection, group).group
            return GroupList(connection).count_memberships(found.id, part_of_name(search))

    def of_tenant(self, tenant: str) -> Sequence[GroupMembership]:
        """Return the memberships of all groups in a tenant, also ended ones, by group name."""
        with self.executor.database.reading() as connection:
            return GroupList(connection).of_tenant(find_tenant(connection, tenant).tenant.id)

    def of_user(self, user: str) -> Sequence[GroupMembership]:
        """Return what all groups of a user give, also ended memberships, by tenant name."""
        with self.executor.database.reading() as connection:
            return GroupList(connection).memberships_of_user(find_user(connection, user).user.id)

    def users_of_tenant(self, tenant: str, page_request: PageRequest, search: str = "") -> Page[UserByGroup]:
        """Return a page of the users with access by a group; *search* is a part of the username."""
        with self.executor.database.reading() as connection:
            found = find_tenant(connection, tenant).tenant
            return GroupList(connection).users_of_tenant(found.id, part_of_username(search), page_request)

    def count_users_of_tenant(self, tenant: str, search: str = "") -> int:
        """Return the number of rows on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        with self.executor.database.reading() as connection:
            found = find_tenant(connection, tenant).tenant
            return GroupList(connection).count_users_of_tenant(found.id, part_of_username(search))

    def put(
        self,
        group: str,
        tenant: str,
        permission_set: str,
        ends_at: datetime | None,
        by: Author,
        expected: Version | None = None,
    ) -> GroupMembership:
        """Give every member of a group this permission set in a tenant, until *ends_at* if it is a time.

        Raises what `find` raises, `PermissionSetNotFound`, `PreconditionFailed`, or `InvalidRequest` for a
        new end that has passed.
        """
        found, entered, now = *self._find_both(group, tenant), self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            find_group(connection, found.id)
            find_tenant(connection, entered.id)
            old = GroupList(connection).find_membership(found.id, entered.id)
            version = Version("") if old is None else membership_version(old)
            check_version(expected, version, f"The access of the group “{found.name}”")
            new = find_permission_set(connection, permission_set)
            if old is not None and (old.permission_set, old.ends_at) == (new, ends_at):
                return None
            # After the comparison with the old membership: an export whose end has passed can be applied
            # unchanged.
            if ends_at is not None and ends_at <= now:
                raise InvalidRequest("The end of the membership has passed. Send a later one, or none.")
            proof = reauthentication.to_put_group_membership(old, new, ends_at)
            after = _facts(entered, new, ends_at)
            if old is None:
                row = add_group_membership(found.id, entered.id, new, ends_at, at=now)
                return Change((row,), {}, after, entered.id, proof)
            row = change_group_membership(found.id, entered.id, new, ends_at)
            before = _facts(entered, old.permission_set, old.ends_at)
            return Change((row,), before, after, entered.id, proof)

        self.executor.execute(single_change("group_membership.put", found.name, by, plan))
        return self.find(found.id, entered.id)

    def remove(self, group: str, tenant: str, by: Author, expected: Version | None = None) -> None:
        """End a group's membership of a tenant, with effect from the next request on."""
        found, entered = self._find_both(group, tenant)

        def plan(connection: Connection) -> Change:
            old = GroupList(connection).find_membership(found.id, entered.id)
            if old is None:
                raise _no_membership(found, entered)
            check_version(expected, membership_version(old), f"The access of the group “{found.name}”")
            row = remove_group_membership(found.id, entered.id)
            return Change((row,), _facts(entered, old.permission_set, old.ends_at), {}, entered.id)

        self.executor.execute(single_change("group_membership.remove", found.name, by, plan))

    def _find_both(self, group: str, tenant: str) -> tuple[Group, Tenant]:
        with self.executor.database.reading() as connection:
            return find_group(connection, group).group, find_tenant(connection, tenant).tenant


def _facts(tenant: Tenant, permission_set: PermissionSet, ends_at: datetime | None) -> dict[str, str | None]:
    return {
        "tenant": tenant.name,
        "access": Access.of(permission_set).value,
        "permission_set": permission_set.name,
        "ends_at": timestamp(ends_at),
    }


def _no_membership(group: Group, tenant: Tenant) -> MembershipNotFound:
    return MembershipNotFound(f"The group “{group.name}” gives no membership of “{tenant.name}”.")
