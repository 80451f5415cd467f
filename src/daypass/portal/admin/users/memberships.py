"""Memberships: the access of users to tenants."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import MemberRecord, Version
from daypass.portal.admin.permission_sets.service import find_permission_set
from daypass.portal.admin.tenants.service import find_tenant, part_of_name
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, check_version, single_change
from daypass.portal.admin.users.service import find_user, part_of_username
from daypass.portal.admin.users.store.users import MemberList
from daypass.portal.errors import HasPermissionSet, MembershipNotFound
from daypass.portal.identity.model import User
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.tenants.model import Access, Tenant
from daypass.portal.tenants.store import add_member, change_member, remove_member


@dataclass(frozen=True, slots=True)
class Memberships:
    """The actions of Administrators on memberships. References to users and tenants are ids or names."""

    executor: ChangeExecutor

    def find(self, tenant: str, user: str) -> MemberRecord:
        """Return one membership; raises `UserNotFound`, `TenantNotFound` or `MembershipNotFound`."""
        with self.executor.database.reading() as connection:
            found_user, found_tenant = (
                find_user(connection, user).user,
                find_tenant(connection, tenant).tenant,
            )
            membership = MemberList(connection).find(found_user.id, found_tenant.id)
        if membership is None:
            raise _no_member(found_user, found_tenant)
        return membership

    def of_tenant(self, tenant: str, page_request: PageRequest, search: str = "") -> Page[MemberRecord]:
        """Return a page of a tenant's members, by username; *search* is a substring of it."""
        with self.executor.database.reading() as connection:
            tenant_id = find_tenant(connection, tenant).tenant.id
            return MemberList(connection).of_tenant(tenant_id, part_of_username(search), page_request)

    def count_of_tenant(self, tenant: str, search: str = "") -> int:
        """Return the number of members on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        with self.executor.database.reading() as connection:
            tenant_id = find_tenant(connection, tenant).tenant.id
            return MemberList(connection).count_of_tenant(tenant_id, part_of_username(search))

    def of_user(self, user: str, page_request: PageRequest, search: str = "") -> Page[MemberRecord]:
        """Return a page of a user's memberships, by tenant name; *search* is a substring of the name."""
        with self.executor.database.reading() as connection:
            user_id = find_user(connection, user).user.id
            return MemberList(connection).of_user_page(user_id, part_of_name(search), page_request)

    def count_of_user(self, user: str, search: str = "") -> int:
        """Return the number of a user's memberships on all pages."""
        with self.executor.database.reading() as connection:
            user_id = find_user(connection, user).user.id
            return MemberList(connection).count_of_user(user_id, part_of_name(search))

    def reads_only(self, user: str) -> bool:
        """Return whether a user has memberships, of their own or by groups, and all of them are read-only."""
        now = self.executor.clock()
        with self.executor.database.reading() as connection:
            return MemberList(connection).reads_only(find_user(connection, user).user.id, now)

    def page(self, page_request: PageRequest) -> Page[MemberRecord]:
        """Return a page of all memberships, ordered by tenant id."""
        with self.executor.database.reading() as connection:
            return MemberList(connection).page(page_request)

    def put(
        self,
        tenant: str,
        user: str,
        permission_set: str,
        by: Author,
        expected: Version | None = None,
        *,
        keeps_custom: bool = False,
    ) -> MemberRecord:
        """Add a member, or give a member another permission set, by its name or id.

        Raises what `find` raises, `PermissionSetNotFound` or `PreconditionFailed`; with `keeps_custom` also
        `HasPermissionSet`, if the member has a custom set.
        """
        found_user, found_tenant = self._find_both(tenant, user)
        now = self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            # A user or tenant that was deleted in the meantime must not get a row.
            find_user(connection, found_user.id)
            find_tenant(connection, found_tenant.id)
            old = MemberList(connection).find(found_user.id, found_tenant.id)
            version = Version("") if old is None else old.version
            check_version(expected, version, f"The access of “{found_user.username}”")
            new = find_permission_set(connection, permission_set)
            before = None if old is None else old.permission_set
            if keeps_custom and before is not None and not before.is_built_in:
                raise _has_custom_set(found_user, found_tenant, before)
            return None if before == new else membership_change(found_user, found_tenant, before, new, now)

        self.executor.execute(single_change("membership.put", found_user.username, by, plan))
        return self.find(found_tenant.id, found_user.id)

    def remove(self, tenant: str, user: str, by: Author, expected: Version | None = None) -> None:
        """Remove a member, with effect from the next request on."""
        found_user, found_tenant = self._find_both(tenant, user)

        def plan(connection: Connection) -> Change:
            old = MemberList(connection).find(found_user.id, found_tenant.id)
            if old is None:
                raise _no_member(found_user, found_tenant)
            check_version(expected, old.version, f"The access of “{found_user.username}”")
            write = remove_member(found_tenant.id, found_user.id)
            return Change((write,), _facts(found_tenant, old.permission_set), {}, found_tenant.id)

        self.executor.execute(single_change("membership.remove", found_user.username, by, plan))

    def _find_both(self, tenant: str, user: str) -> tuple[User, Tenant]:
        with self.executor.database.reading() as connection:
            return find_user(connection, user).user, find_tenant(connection, tenant).tenant


def membership_change(
    user: User, tenant: Tenant, old: PermissionSet | None, new: PermissionSet, now: datetime
) -> Change:
    """Return the change that replaces a user's *old* permission set in a tenant by *new*."""
    proof = reauthentication.to_put_member(old, new)
    if old is None:
        write = add_member(tenant.id, user.id, new, at=now)
        return Change((write,), {}, _facts(tenant, new), tenant.id, proof)
    write = change_member(tenant.id, user.id, new)
    return Change((write,), _facts(tenant, old), _facts(tenant, new), tenant.id, proof)


def _facts(tenant: Tenant, permission_set: PermissionSet) -> dict[str, str]:
    access = Access.of(permission_set).value
    return {"tenant": tenant.name, "access": access, "permission_set": permission_set.name}


def _has_custom_set(user: User, tenant: Tenant, permission_set: PermissionSet) -> HasPermissionSet:
    return HasPermissionSet(
        f"“{user.username}” has the permission set “{permission_set.name}” in “{tenant.name}”, which this "
        "call cannot express. Change the access on the portal's pages or by its own API, or remove it first."
    )


def _no_member(user: User, tenant: Tenant) -> MembershipNotFound:
    return MembershipNotFound(f"“{user.username}” is not a member of “{tenant.name}”.")
