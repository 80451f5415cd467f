"""Memberships: who may use which tenant, and how much of it."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import MemberRecord, Version
from daypass.portal.admin.tenants.service import find_tenant, part_of_name
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, check_version
from daypass.portal.admin.users.service import find_user, part_of_username
from daypass.portal.admin.users.store.users import MemberList
from daypass.portal.audit.log import RowChange
from daypass.portal.errors import MembershipNotFound
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.tenants.model import Access, Tenant
from daypass.portal.tenants.store import ADD_MEMBER, CHANGE_MEMBER, REMOVE_MEMBER, member_row


@dataclass(frozen=True, slots=True)
class Memberships:
    """Everything that an Administrator does with memberships; users and tenants go by id or by name."""

    desk: ChangeExecutor

    def find(self, tenant: str, user: str) -> MemberRecord:
        """One membership; raises `UserNotFound`, `TenantNotFound` or `MembershipNotFound`."""
        with self.desk.database.reading() as connection:
            who, where = find_user(connection, user).user, find_tenant(connection, tenant).tenant
            found = MemberList(connection).find(who.id, where.id)
        if found is None:
            raise _no_member(who, where)
        return found

    def of_tenant(self, tenant: str, turn: PageRequest, search: str = "") -> Page[MemberRecord]:
        """A page of a tenant's members with *search* in their usernames, by username."""
        with self.desk.database.reading() as connection:
            where = find_tenant(connection, tenant).tenant.id
            return MemberList(connection).of_tenant(where, part_of_username(search), turn)

    def count_of_tenant(self, tenant: str, search: str = "") -> int:
        """How many members there are on all pages; of a search, at most one more than `COUNTED`."""
        with self.desk.database.reading() as connection:
            where = find_tenant(connection, tenant).tenant.id
            return MemberList(connection).count_of_tenant(where, part_of_username(search))

    def of_user(self, user: str, turn: PageRequest, search: str = "") -> Page[MemberRecord]:
        """A page of a user's tenants with *search* in their names, by name."""
        with self.desk.database.reading() as connection:
            who = find_user(connection, user).user.id
            return MemberList(connection).of_user_page(who, part_of_name(search), turn)

    def count_of_user(self, user: str, search: str = "") -> int:
        """How many tenants there are on all pages."""
        with self.desk.database.reading() as connection:
            who = find_user(connection, user).user.id
            return MemberList(connection).count_of_user(who, part_of_name(search))

    def reads_only(self, user: str) -> bool:
        """Whether a user is a member somewhere, and may change nothing in any of these tenants."""
        with self.desk.database.reading() as connection:
            return MemberList(connection).reads_only(find_user(connection, user).user.id)

    def page(self, turn: PageRequest) -> Page[MemberRecord]:
        """A page of all memberships there are, tenant by tenant."""
        with self.desk.database.reading() as connection:
            return MemberList(connection).page(turn)

    def put(
        self, tenant: str, user: str, access: Access, by: Author, expected: Version | None = None
    ) -> MemberRecord:
        """Make a user a member, or change how much of the tenant a member may use."""
        who, where = self._both(tenant, user)
        now = self.desk.clock()

        def draft(connection: Connection) -> Change | None:
            # Whoever was ended meanwhile is found no more, and no row is left hanging.
            find_user(connection, who.id)
            find_tenant(connection, where.id)
            old = MemberList(connection).find(who.id, where.id)
            version = Version("") if old is None else old.version
            check_version(expected, version, f"The access of “{who.username}”")
            if old is not None and old.access is access:
                return None
            return membership_change(who, where, None if old is None else old.access, access, now)

        self.desk.execute("membership.put", who.username, by, draft)
        return self.find(where.id, who.id)

    def remove(self, tenant: str, user: str, by: Author, expected: Version | None = None) -> None:
        """End a membership; it counts for nothing from the next request on."""
        who, where = self._both(tenant, user)

        def draft(connection: Connection) -> Change:
            old = MemberList(connection).find(who.id, where.id)
            if old is None:
                raise _no_member(who, where)
            check_version(expected, old.version, f"The access of “{who.username}”")
            write = RowChange(REMOVE_MEMBER, {"user": who.id, "tenant": where.id})
            return Change((write,), _facts(where, old.access), {}, where.id)

        self.desk.execute("membership.remove", who.username, by, draft)

    def _both(self, tenant: str, user: str) -> tuple[User, Tenant]:
        with self.desk.database.reading() as connection:
            return find_user(connection, user).user, find_tenant(connection, tenant).tenant


def membership_change(
    user: User, tenant: Tenant, old: Access | None, access: Access, now: datetime
) -> Change:
    """The change that gives a user access to a tenant, in the place of what they had."""
    proof = reauthentication.to_put_member(old, access)
    if old is None:
        write = RowChange(ADD_MEMBER, member_row(tenant.id, user.id, access, now))
        return Change((write,), {}, _facts(tenant, access), tenant.id, proof)
    row = {"user": user.id, "tenant": tenant.id, "new_is_read_only": access is Access.READ_ONLY}
    return Change(
        (RowChange(CHANGE_MEMBER, row),), _facts(tenant, old), _facts(tenant, access), tenant.id, proof
    )


def _facts(tenant: Tenant, access: Access) -> dict[str, str]:
    return {"tenant": tenant.name, "access": access.value}


def _no_member(user: User, tenant: Tenant) -> MembershipNotFound:
    return MembershipNotFound(f"“{user.username}” is no member of “{tenant.name}”.")
