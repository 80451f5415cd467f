"""The tenants that a user may know of."""

import pytest

from daypass.portal.access.tenants import VisibleTenants, access_of, permission_set_of
from daypass.portal.errors import JitDisabled, TenantNotFound
from daypass.portal.permission_sets.model import FULL
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, DATA, DEV, PROD, Rig, caller


def test_a_user_sees_own_tenants_and_an_administrator_all(rig: Rig) -> None:
    tenants = VisibleTenants(rig.database, rig.clock)

    own = [access.tenant.name for access in tenants.all(DANA)]
    every = [access.tenant.name for access in tenants.all(ADMIN)]

    assert set(own) < set(every)
    assert every == sorted(every)
    assert [access.tenant.name for access in tenants.first(ADMIN, 2)] == every[:2]
    assert [access.tenant.name for access in tenants.search(ADMIN, "prod", 9)] == [PROD.name]
    page = tenants.page(ADMIN, "", PageRequest(limit=2))
    assert [access.tenant.name for access in page.records] == every[:2]
    assert page.next_cursor is not None


def test_a_foreign_tenant_is_not_found_like_an_unknown_one(rig: Rig) -> None:
    tenants = VisibleTenants(rig.database, rig.clock)
    own = {access.tenant.id for access in tenants.all(DANA)}
    foreign = next(tenant for tenant in (DEV, PROD, DATA) if tenant.id not in own)

    assert tenants.get(ADMIN, foreign.name) == foreign
    for reference in (foreign.name, foreign.id, "nowhere", "\x00", "\ud800"):
        assert tenants.find(DANA, reference) is None
        with pytest.raises(TenantNotFound):
            tenants.get(DANA, reference)


def test_an_administrator_has_full_access_whatever_the_membership(rig: Rig) -> None:
    tenants = VisibleTenants(rig.database, rig.clock)

    for access in tenants.all(DANA):
        assert permission_set_of(DANA, access) is access.membership
        assert access_of(ADMIN, access) is Access.FULL
        assert permission_set_of(ADMIN, access) is FULL


def test_the_refusal_of_a_session_is_the_one_of_the_policy(rig: Rig) -> None:
    tenants = VisibleTenants(rig.database, rig.clock)
    assert tenants.find_session_refusal(caller(DANA), DEV, NOON) is None

    rig.set(DISABLE_NON_ADMIN_JIT, "true")

    assert isinstance(tenants.find_session_refusal(caller(DANA), DEV, NOON), JitDisabled)
    assert tenants.find_session_refusal(caller(ADMIN), DEV, NOON) is None
