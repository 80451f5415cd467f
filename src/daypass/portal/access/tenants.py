"""The tenants that a user may know of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.access.authorization import read_context
from daypass.portal.access.entitlements import entitlements_to_tenant, strongest, within_rule
from daypass.portal.access.model import Caller, Deny
from daypass.portal.access.policy import may_see, tenant_not_found
from daypass.portal.clock import Clock
from daypass.portal.errors import PortalError
from daypass.portal.identity.model import TokenKind, User
from daypass.portal.identity.scopes import Scope
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import PermissionSetStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import JsonCursor, Page, PageRequest, page_of_sorted
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.model import Access, Tenant, TenantAccess
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.store.tokens import WorkloadTokenStore

_CURSOR = JsonCursor()
"""The format of the cursors of `TenantStore.page`, so that both kinds of callers have the same."""


@dataclass(frozen=True, slots=True)
class VisibleTenants:
    """Reads the tenants that are visible to a user: every tenant for an Administrator, else the user's own.

    The user's own are those of a membership or of one by a group that has not ended. Every list is sorted by
    name.
    """

    database: Database
    clock: Clock

    def all(self, user: User) -> Sequence[TenantAccess]:
        """Return every visible tenant."""
        with self.database.reading() as connection:
            store = TenantStore(connection)
            if user.is_administrator:
                return store.list_all(user.id)
            return store.list_for(user.id, self.clock())

    def first(self, user: User, number: int) -> Sequence[TenantAccess]:
        """Return the first *number* of the visible tenants."""
        return self.search(user, "", number)

    def search(self, user: User, text: str, number: int) -> Sequence[TenantAccess]:
        """Return the first *number* of the visible tenants with *text* in their names."""
        if not is_storable(text):
            return ()
        with self.database.reading() as connection:
            store = TenantStore(connection)
            return store.search(user.id, text, number, self._members_at(user))

    def page(self, user: User, text: str, request: PageRequest) -> Page[TenantAccess]:
        """Return a page of the visible tenants with *text* in their names."""
        with self.database.reading() as connection:
            return TenantStore(connection).page(user.id, text, request, self._members_at(user))

    def page_for(self, caller: Caller, text: str, request: PageRequest) -> Page[TenantAccess]:
        """Return a page of the tenants that are visible to *caller*, with *text* in their names.

        A workload sees the tenants that its rule and its memberships both give. Raises `InvalidRequest` for a
        cursor that no page has.
        """
        if caller.token.kind is not TokenKind.WORKLOAD:
            return self.page(caller.user, text, request)
        found = [each for each in self._within_rule(caller) if text.lower() in each.tenant.name]
        return page_of_sorted(
            sorted(found, key=_name_of),
            request,
            key=_name_of,
            cursor_of=lambda last: _CURSOR.encode([_name_of(last)]),
            key_of_cursor=_name_in_cursor,
        )

    def find_for(self, caller: Caller, reference: str) -> TenantAccess | None:
        """Return the tenant with that name or id, or None if *caller* may not know of it; see `page_for`."""
        if caller.token.kind is not TokenKind.WORKLOAD:
            return self.find(caller.user, reference)
        visible = self._within_rule(caller)
        return next((each for each in visible if reference in (each.tenant.name, each.tenant.id)), None)

    def _within_rule(self, caller: Caller) -> Sequence[TenantAccess]:
        with self.database.reading() as connection:
            memberships = TenantStore(connection).list_for(caller.user.id, self.clock())
            highest = WorkloadTokenStore(connection).list_tenants(caller.token.id)
        narrowed = []
        for each in memberships:
            own = entitlements_to_tenant(caller.user, each.membership, each.by_groups)
            entitlement = strongest(within_rule(own, highest.get(each.tenant.id)))
            if entitlement is not None:
                narrowed.append(TenantAccess(each.tenant, entitlement.permission_set))
        return narrowed

    def find(self, user: User, reference: str) -> TenantAccess | None:
        """Return the tenant with that name or id and the access of *user*, or None if it is not visible."""
        if not is_storable(reference):
            return None
        with self.database.reading() as connection:
            access = TenantStore(connection).find(reference, user.id, self.clock())
        return access if access is not None and may_see(user, access) else None

    def get(self, user: User, reference: str) -> Tenant:
        """Return the tenant with that name or id.

        Raises the same `TenantNotFound` for a tenant that is not visible and one that does not exist.
        """
        access = self.find(user, reference)
        if access is None:
            raise tenant_not_found(reference)
        return access.tenant

    def requestable_sets(self, user: User, tenant: TenantAccess) -> Sequence[PermissionSet]:
        """Return the permission sets that *user* may request for a visible tenant, the highest rank first."""
        entitlements = entitlements_to_tenant(user, tenant.membership, tenant.by_groups)
        with self.database.reading() as connection:
            every = PermissionSetStore(connection).all()
        return [each for each in every if any(entitlement.gives(each) for entitlement in entitlements)]

    def find_session_refusal(self, caller: Caller, tenant: Tenant, now: datetime) -> PortalError | None:
        """Return why policy denies the caller an AWS session for the tenant *now*; None if it allows one."""
        with self.database.reading() as connection:
            decision = read_context(connection, caller, Scope.of_tenant(tenant.id), "", now).decision
        return decision.refusal if isinstance(decision, Deny) else None

    def _members_at(self, user: User) -> datetime | None:
        """Return the time at which *user* must be a member of a tenant to see it; None if always."""
        return None if user.is_administrator else self.clock()


def _name_of(access: TenantAccess) -> str:
    return access.tenant.name


def _name_in_cursor(cursor: str) -> str | None:
    try:
        values = _CURSOR.decode(cursor)
    except (ValueError, TypeError, RecursionError):
        return None
    match values:
        case [str(name)]:
            return name
    return None


def permission_set_of(user: User, tenant: TenantAccess) -> PermissionSet:
    """Return the strongest permission set of *user* in a visible tenant."""
    entitlement = strongest(entitlements_to_tenant(user, tenant.membership, tenant.by_groups))
    if entitlement is None:
        raise tenant_not_found(tenant.tenant.name)
    return entitlement.permission_set


def access_of(user: User, tenant: TenantAccess) -> Access:
    """Return the access that the strongest permission set of *user* counts as; see `permission_set_of`."""
    return Access.of(permission_set_of(user, tenant))
