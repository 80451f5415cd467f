"""The tenants that are visible to a caller, for every channel."""

from collections.abc import Sequence

from daypass.portal.access.policy import may_see, tenant_not_found
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.tenants.model import Access, Tenant, TenantAccess
from daypass.portal.tenants.store import TenantStore


def visible_tenants(database: Database, user: User) -> Sequence[TenantAccess]:
    """Return every tenant for an Administrator, else the tenants of *user*, sorted by name."""
    with database.reading() as connection:
        store = TenantStore(connection)
        return store.list_all(user.id) if user.is_administrator else store.list_for(user.id)


def first_tenants(database: Database, user: User, number: int) -> Sequence[TenantAccess]:
    """Return the first *number* of the visible tenants, sorted by name."""
    return search_tenants(database, user, "", number)


def search_tenants(database: Database, user: User, text: str, number: int) -> Sequence[TenantAccess]:
    """Return the first *number* of the visible tenants with *text* in their names, sorted by name."""
    with database.reading() as connection:
        store = TenantStore(connection)
        return store.search(user.id, text, number, is_member=not user.is_administrator)


def visible_page(database: Database, user: User, text: str, turn: PageRequest) -> Page[TenantAccess]:
    """Return a page of the visible tenants with *text* in their names, sorted by name."""
    with database.reading() as connection:
        return TenantStore(connection).page(user.id, text, turn, is_member=not user.is_administrator)


def visible_tenant(database: Database, user: User, reference: str) -> Tenant:
    """Return the tenant with that name or id.

    Raises the same `TenantNotFound` for a tenant that is not visible and one that does not exist.
    """
    access = find_tenant(database, user, reference)
    if access is None:
        raise tenant_not_found(reference)
    return access.tenant


def find_tenant(database: Database, user: User, reference: str) -> TenantAccess | None:
    """Return the tenant with that name or id and the access of *user*, or None if it is not visible."""
    # No name or id has such characters, and PostgreSQL cannot store all of them (NUL, lone surrogates).
    if not reference.isprintable():
        return None
    with database.reading() as connection:
        access = TenantStore(connection).find(reference, user.id)
    return access if access is not None and may_see(user, access) else None


def access_of(user: User, tenant: TenantAccess) -> Access:
    """Return the access of *user* to a visible tenant."""
    return Access.FULL if user.is_administrator or tenant.membership is None else tenant.membership
