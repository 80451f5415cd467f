"""The tenants that a caller may know of, for every door."""

from collections.abc import Sequence

from daypass.portal.access.policy import no_such_tenant, sees
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.tenants.model import Access, Tenant, TenantAccess
from daypass.portal.tenants.store import TenantStore


def visible_tenants(database: Database, user: User) -> Sequence[TenantAccess]:
    """By name: every tenant for an Administrator, else those that *user* is a member of."""
    with database.reading() as connection:
        store = TenantStore(connection)
        return store.list_all(user.id) if user.is_administrator else store.list_for(user.id)


def first_tenants(database: Database, user: User, number: int) -> Sequence[TenantAccess]:
    """The first of the visible tenants, by name, where all of them may be too many."""
    return search_tenants(database, user, "", number)


def search_tenants(database: Database, user: User, text: str, number: int) -> Sequence[TenantAccess]:
    """The first of the visible tenants with *text* in their names, by name."""
    with database.reading() as connection:
        store = TenantStore(connection)
        return store.search(user.id, text, number, is_member=not user.is_administrator)


def visible_page(database: Database, user: User, text: str, turn: PageRequest) -> Page[TenantAccess]:
    """A page of the visible tenants with *text* in their names, by name."""
    with database.reading() as connection:
        return TenantStore(connection).page(user.id, text, turn, is_member=not user.is_administrator)


def visible_tenant(database: Database, user: User, reference: str) -> Tenant:
    """The tenant of that name or id; raises `TenantNotFound`, whether it is foreign or does not exist."""
    found = find_tenant(database, user, reference)
    if found is None:
        raise no_such_tenant(reference)
    return found.tenant


def find_tenant(database: Database, user: User, reference: str) -> TenantAccess | None:
    """The same with how *user* stands to it; None where there is none for them."""
    # No name looks like this, and some of it cannot even be asked of a database.
    if not reference.isprintable():
        return None
    with database.reading() as connection:
        found = TenantStore(connection).find(reference, user.id)
    return found if found is not None and sees(user, found) else None


def access_of(user: User, tenant: TenantAccess) -> Access:
    """How much of a visible tenant *user* may use."""
    return Access.FULL if user.is_administrator or tenant.membership is None else tenant.membership
