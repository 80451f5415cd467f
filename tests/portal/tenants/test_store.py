from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.store.users import add_user
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.storage.engine import Database
from daypass.portal.tenants import store as tenant_store
from daypass.portal.tenants.model import Access, Tenant, TenantAccess, TenantId
from daypass.portal.tenants.store import TenantStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEV = Tenant.with_role(TenantId("id-of-dev"), "dev01", "us-east-1", "arn:aws:iam::1:role/dev", "external")
PROD = Tenant.with_role(TenantId("id-of-prod"), "prod01", "us-east-1", "arn:aws:iam::1:role/dev", None)
DATA = replace(DEV, id=TenantId("id-of-data"), name="data01")


def fill(connection: Connection) -> TenantStore:
    add_user(User(UserId("dana"), "dana@example.com", Role.USER), None, at=NOON).apply(connection)
    store = TenantStore(connection)
    for tenant in (PROD, DEV, DATA):
        store.add(tenant, NOON)
    store.add_member(DEV.id, "dana", Access.FULL, NOON)
    store.add_member(PROD.id, "dana", Access.READ_ONLY, NOON)
    return store


@pytest.mark.parametrize("reference", ["dev01", "id-of-dev"])
def test_a_tenant_is_found_by_name_and_by_id(database: Database, reference: str) -> None:
    with database.writing() as connection:
        assert fill(connection).find(reference, "dana", NOON) == TenantAccess(DEV, FULL)


@pytest.mark.parametrize("reference", ["dev", "DEV01", "", "%", "dev01 "])
def test_a_tenant_is_not_found_by_any_other_text(database: Database, reference: str) -> None:
    with database.writing() as connection:
        assert fill(connection).find(reference, "dana", NOON) is None


def test_a_tenant_is_listed_with_the_users_membership(database: Database) -> None:
    with database.writing() as connection:
        store = fill(connection)

        assert store.list_for("dana", NOON) == [
            TenantAccess(DEV, FULL),
            TenantAccess(PROD, READ_ONLY),
        ]
        assert store.list_all("dana") == [TenantAccess(DATA, None), *store.list_for("dana", NOON)]
        assert store.list_for("noor", NOON) == []
        assert store.names() == ["data01", "dev01", "prod01"]


def test_a_search_finds_visible_tenants_by_a_part_of_the_name(database: Database) -> None:
    with database.writing() as connection:
        store = fill(connection)

        assert store.search("dana", "", 1, NOON) == [TenantAccess(DEV, FULL)]
        assert store.search("dana", "01", 9, NOON) == store.list_for("dana", NOON)
        assert store.search("dana", "a0", 9, None) == [TenantAccess(DATA, None)]
        assert store.search("dana", "a0", 9, NOON) == []
        assert store.search("dana", "_", 9, None) == []


def test_a_removed_member_has_no_membership(database: Database) -> None:
    with database.writing() as connection:
        store = fill(connection)

        tenant_store.remove_member(DEV.id, "dana").apply(connection)

        assert store.find("dev01", "dana", NOON) == TenantAccess(DEV, None)
