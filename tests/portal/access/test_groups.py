"""Access by memberships that groups give, and its end."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from daypass.portal.access.entitlements import EntitlementKind
from daypass.portal.access.model import LimitSource, SessionRequest
from daypass.portal.access.tenants import VisibleTenants, access_of, permission_set_of
from daypass.portal.errors import AccessDenied, PortalError, TenantNotFound
from daypass.portal.groups.store import (
    add_group,
    add_group_member,
    add_group_membership,
    change_group,
    change_group_membership,
    remove_group_member,
)
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.permission_sets.store import add_permission_set
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Access, GroupId, Tenant
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, DATA, DEV, PROD, Rig
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, add, give
from tests.portal.permission_sets.examples import OPERATOR

HOUR = timedelta(hours=1)


def issued_details(rig: Rig) -> list[dict[str, Any]]:
    query = select(audit_events.c.detail).where(audit_events.c.action == "session.issue")
    with rig.database.reading() as connection:
        return [json.loads(each) for each in connection.scalars(query.order_by(audit_events.c.position))]


def change(rig: Rig, row: RowChange) -> None:
    with rig.database.writing() as connection:
        row.apply(connection)


def test_a_group_gives_its_members_a_session_and_the_record_names_the_group(rig: Rig) -> None:
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "data01")
    give(rig.database, DEVELOPERS, DANA, DATA, READ_ONLY)

    assert rig.issue(DANA, "data01").permission_set is READ_ONLY
    assert [
        (detail.get("group"), detail.get("group_id"), detail.get("permission_set"))
        for detail in issued_details(rig)
    ] == [(None, None, None), *[("developers", DEVELOPERS.id, "read-only")] * 2]
    rig.issue(DANA, "dev01")
    assert "group" not in issued_details(rig)[-1]


def test_a_group_gives_nothing_to_others_and_no_account_administration(rig: Rig) -> None:
    give(rig.database, DEVELOPERS, ADMIN, DATA)

    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "data01")
    give(rig.database, replace(DEVELOPERS, id=GroupId("2"), name="two"), DANA, DATA)
    with pytest.raises(AccessDenied):
        rig.issue(DANA, SessionRequest(ADMIN_SCOPE))


def test_of_a_membership_and_several_groups_the_strongest_applies(rig: Rig) -> None:
    with rig.database.writing() as connection:
        add_permission_set(OPERATOR, at=NOON).apply(connection)
    give(rig.database, DEVELOPERS, DANA, PROD, OPERATOR)
    assert rig.issue(DANA, "prod01").permission_set == OPERATOR

    give(rig.database, replace(PLATFORM, makes_administrators=False), DANA, PROD, FULL)
    assert rig.issue(DANA, "prod01").permission_set is FULL
    asked = SessionRequest(Scope.of_tenant("prod01"), permission_set=READ_ONLY.name)
    assert rig.issue(DANA, asked).permission_set is READ_ONLY


def test_a_session_never_outlives_the_end_of_its_membership(rig: Rig) -> None:
    give(rig.database, DEVELOPERS, DANA, DATA, FULL, NOON + timedelta(minutes=40))

    issued = rig.issue(DANA, "data01")

    assert issued.expires_at <= NOON + timedelta(minutes=40)
    assert issued.validity.deciding_limit.source is LimitSource.ENTITLEMENT
    rig.clock.move(timedelta(minutes=39))
    with pytest.raises(PortalError, match="less than 15 minutes"):
        rig.issue(DANA, "data01")
    rig.clock.move(timedelta(minutes=1))
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "data01")


def test_an_ended_membership_of_a_group_leaves_the_users_own(rig: Rig) -> None:
    give(rig.database, DEVELOPERS, DANA, PROD, FULL, NOON)

    assert rig.issue(DANA, "prod01").permission_set is READ_ONLY


@pytest.mark.parametrize(
    "lost",
    [
        remove_group_member(DEVELOPERS.id, DANA.id),
        change_group_membership(DEVELOPERS.id, DATA.id, READ_ONLY, None),
        change_group_membership(DEVELOPERS.id, DATA.id, FULL, NOON + timedelta(minutes=30)),
    ],
    ids=["member removed", "other set", "earlier end"],
)
def test_a_change_during_the_call_to_aws_refuses_the_release(rig: Rig, lost: RowChange) -> None:
    give(rig.database, DEVELOPERS, DANA, DATA)
    rig.broker.during_assume = lambda: change(rig, lost)

    with pytest.raises((AccessDenied, TenantNotFound)):
        rig.issue(DANA, "data01")

    assert rig.states() == ["failed"]


def test_a_group_that_is_renamed_during_the_call_to_aws_refuses_nothing(rig: Rig) -> None:
    give(rig.database, DEVELOPERS, DANA, DATA)
    rig.broker.during_assume = lambda: change(rig, change_group(replace(DEVELOPERS, name="devs"), at=NOON))

    assert rig.issue(DANA, "data01").permission_set is FULL


def test_another_group_with_the_same_set_is_another_entitlement(rig: Rig) -> None:
    other = replace(DEVELOPERS, id=GroupId("2"), name="two")
    give(rig.database, DEVELOPERS, DANA, DATA)

    def replace_group() -> None:
        change(rig, remove_group_member(DEVELOPERS.id, DANA.id))
        give(rig.database, other, DANA, DATA)

    rig.broker.during_assume = replace_group

    with pytest.raises(AccessDenied, match="Try again"):
        rig.issue(DANA, "data01")


def names(rig: Rig, at: datetime = NOON) -> list[str]:
    return [each.tenant.name for each in VisibleTenants(rig.database, lambda: at).all(DANA)]


def test_the_lists_have_the_tenants_of_groups_until_their_end(rig: Rig) -> None:
    give(rig.database, DEVELOPERS, DANA, DATA, FULL, NOON + HOUR)
    tenants = VisibleTenants(rig.database, rig.clock)

    assert names(rig) == ["data01", "dev01", "prod01"]
    assert [each.tenant.name for each in tenants.search(DANA, "data", 5)] == ["data01"]
    assert [each.tenant.name for each in tenants.page(DANA, "", PageRequest(limit=1)).records] == ["data01"]
    assert names(rig, NOON + HOUR) == ["dev01", "prod01"]

    found = tenants.find(DANA, "data01")
    assert found is not None
    assert access_of(DANA, found) is Access.FULL
    assert FULL in tenants.requestable_sets(DANA, found)
    rig.clock.move(HOUR)
    assert tenants.find(DANA, "data01") is None


def test_a_tenant_is_listed_once_however_many_groups_give_it(rig: Rig) -> None:
    for number in range(3):
        group = replace(DEVELOPERS, id=GroupId(str(number)), name=f"group {number}")
        give(rig.database, group, DANA, DEV, READ_ONLY)

    listed = VisibleTenants(rig.database, rig.clock).all(DANA)

    assert names(rig) == ["dev01", "prod01"]
    assert [each.group for each in listed[0].by_groups] == ["group 0", "group 1", "group 2"]
    assert permission_set_of(DANA, listed[0]) is FULL


def test_a_member_of_500_groups_gets_a_session(rig: Rig) -> None:
    def each(number: int, tenant: Tenant) -> None:
        group = replace(DEVELOPERS, id=GroupId(f"{number:032}"), name=f"group {number}")
        add_group(group, at=NOON).apply(connection)
        add_group_member(group.id, DANA.id, at=NOON).apply(connection)
        add_group_membership(group.id, tenant.id, READ_ONLY, None, at=NOON).apply(connection)

    with rig.database.writing() as connection:
        for number in range(500):
            each(number, DATA if number % 2 else PROD)

    assert rig.issue(DANA, "data01").permission_set is READ_ONLY
    assert names(rig) == ["data01", "dev01", "prod01"]


def test_a_group_of_a_provider_makes_its_members_administrators(rig: Rig) -> None:
    with rig.database.writing() as connection:
        add(connection, PLATFORM, DANA)

    issued = rig.issue(DANA, SessionRequest(ADMIN_SCOPE))

    assert issued.tenant is None
    assert rig.issue(DANA, "data01").permission_set is FULL
    change(rig, remove_group_member(PLATFORM.id, DANA.id))
    with pytest.raises(AccessDenied):
        rig.issue(DANA, SessionRequest(ADMIN_SCOPE))


def test_a_local_group_makes_no_administrators_whatever_its_row_says(rig: Rig) -> None:
    with rig.database.writing() as connection:
        add(connection, replace(DEVELOPERS, makes_administrators=True), DANA)

    with pytest.raises(AccessDenied):
        rig.issue(DANA, SessionRequest(ADMIN_SCOPE))


def test_kinds_of_entitlements_are_stable() -> None:
    assert [each.value for each in EntitlementKind] == ["administrator", "membership", "group"]
