from datetime import timedelta

import pytest
from sqlalchemy import insert

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import UserQuery, Version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    InvalidRequest,
    MembershipNotFound,
    PreconditionFailed,
    ReauthenticationRequired,
    TenantNotFound,
    UserNotFound,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.pagination import COUNT_LIMIT, PageRequest
from daypass.portal.storage.schema.identity import users
from daypass.portal.tenants.model import Access
from daypass.portal.tenants.store import TenantStore
from tests.fakes import FakeClock
from tests.portal.admin.conftest import REGION, Administration

DANA = "dana@example.com"


def test_a_member_is_added_changed_and_removed(administration: Administration, alice: Caller) -> None:
    members = administration.members

    added = members.put("dev01", DANA, Access.FULL, alice)
    assert added.access is Access.FULL
    assert [one.tenant.name for one in administration.users.memberships(DANA)] == ["dev01"]
    assert members.put("dev01", DANA, Access.READ_ONLY, alice).access is Access.READ_ONLY
    members.remove("dev01", DANA, alice)

    with pytest.raises(MembershipNotFound, match="not a member"):
        members.find("dev01", DANA)
    with pytest.raises(MembershipNotFound):
        members.remove("dev01", DANA, alice)
    told = [
        (detail.get("old.access"), detail.get("new.access"))
        for _, _, _, detail in administration.events("membership.put")
    ]
    assert told == [(None, "full"), ("full", "read-only")]
    assert administration.events("membership.remove")[-1][3]["old.access"] == "read-only"


def test_putting_the_same_access_again_changes_nothing(administration: Administration, alice: Caller) -> None:
    first = administration.members.put("dev01", DANA, Access.FULL, alice)

    assert administration.members.put("dev01", DANA, Access.FULL, alice) == first
    assert len(administration.events("membership.put")) == 1


def test_a_user_cannot_add_themselves_to_a_tenant(administration: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        administration.members.put("dev01", DANA, Access.FULL, dana)
    with pytest.raises(MembershipNotFound):
        administration.members.find("dev01", DANA)
    assert administration.events("membership.put")[-1][2] == "denied"


def test_raising_access_needs_reauthentication_and_lowering_does_not(
    administration: Administration, clock: FakeClock
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))
    with pytest.raises(ReauthenticationRequired):
        administration.members.put("dev01", DANA, Access.READ_ONLY, by)

    administration.members.put("dev01", DANA, Access.FULL, OPERATOR)
    administration.members.put("dev01", DANA, Access.READ_ONLY, by)
    with pytest.raises(ReauthenticationRequired):
        administration.members.put("dev01", DANA, Access.FULL, by)
    administration.members.remove("dev01", DANA, by)


def test_a_membership_changed_concurrently_is_not_overwritten(
    administration: Administration, alice: Caller
) -> None:
    loaded = administration.members.put("dev01", DANA, Access.FULL, alice).version
    administration.members.put("dev01", DANA, Access.READ_ONLY, alice)

    for expected in (loaded, Version("")):
        with pytest.raises(PreconditionFailed):
            administration.members.put("dev01", DANA, Access.FULL, alice, expected)
    with pytest.raises(PreconditionFailed):
        administration.members.remove("dev01", DANA, alice, loaded)
    with pytest.raises(PreconditionFailed):
        administration.members.put("dev01", "amir@example.com", Access.FULL, alice, loaded)


def test_memberships_of_unknown_users_and_tenants_are_not_found(
    administration: Administration, alice: Caller
) -> None:
    with pytest.raises(TenantNotFound):
        administration.members.put("nowhere", DANA, Access.FULL, alice)
    with pytest.raises(UserNotFound):
        administration.members.put("dev01", "nobody", Access.FULL, alice)


def test_a_tenants_members_are_listed_by_name_in_pages(administration: Administration, alice: Caller) -> None:
    for name in (DANA, "amir@example.com", "alice@example.com"):
        administration.members.put("dev01", name, Access.FULL, alice)

    first = administration.members.of_tenant("dev01", PageRequest(limit=2))
    second = administration.members.of_tenant("dev01", PageRequest(first.next_cursor, 2))

    assert [one.user.username for page in (first, second) for one in page.records] == [
        "alice@example.com",
        "amir@example.com",
        DANA,
    ]
    every = administration.members.page(PageRequest(limit=1))
    rest = administration.members.page(PageRequest(every.next_cursor))
    assert len(every.records) + len(rest.records) == 3


def test_members_are_searched_and_counted_on_all_pages(administration: Administration, alice: Caller) -> None:
    for name in (DANA, "amir@example.com", "alice@example.com"):
        administration.members.put("dev01", name, Access.FULL, alice)
    members = administration.members

    assert [one.user.username for one in members.of_tenant("dev01", PageRequest(), "AMI").records] == [
        "amir@example.com"
    ]
    assert members.of_tenant("dev01", PageRequest(), "%").records == []
    assert (members.count_of_tenant("dev01"), members.count_of_tenant("dev01", "a@")) == (3, 1)
    with pytest.raises(InvalidRequest):
        members.of_tenant("dev01", PageRequest(), "a\0")


def test_a_tenant_with_very_many_members_is_paged_searched_and_counted_too(
    administration: Administration,
) -> None:
    now, tenant = administration.clock(), administration.tenants.find("dev01").tenant.id
    numbers = range(COUNT_LIMIT + 2)
    with administration.database.writing() as connection:
        connection.execute(
            insert(users),
            [
                {"id": f"{n:032}", "username": f"user{n:04}@example.com", "role": "User", "created_at": now}
                for n in numbers
            ],
        )
        store = TenantStore(connection)
        for n in numbers:
            store.add_member(tenant, f"{n:032}", Access.READ_ONLY, now)
    members = administration.members

    first = members.of_tenant("dev01", PageRequest(limit=2))
    second = members.of_tenant("dev01", PageRequest(first.next_cursor, 2))
    found = members.of_tenant("dev01", PageRequest(limit=2), "999@")

    assert [one.user.username for page in (first, second, found) for one in page.records] == [
        *(f"user000{n}@example.com" for n in range(4)),
        "user0999@example.com",
    ]
    assert {one.access for one in first.records} == {Access.READ_ONLY}
    assert found.next_cursor is None
    counted = [members.count_of_tenant("dev01", search) for search in ("", "user099", "user")]
    assert counted == [COUNT_LIMIT + 2, 10, COUNT_LIMIT + 1]
    # DANA is there and is no member.
    assert members.of_tenant("dev01", PageRequest(), "dana").records == []
    assert administration.users.count(UserQuery(search="user")) == COUNT_LIMIT + 1


def test_a_users_tenants_are_listed_by_name_in_pages_and_searched(
    administration: Administration, alice: Caller
) -> None:
    members = administration.members
    assert not members.reads_only(DANA)
    for name in ("lab01", "lab02"):
        administration.tenants.create(name, REGION, OPERATOR)
        members.put(name, DANA, Access.READ_ONLY, alice)
    was_reading = members.reads_only(DANA)
    members.put("dev01", DANA, Access.FULL, alice)

    first = members.of_user(DANA, PageRequest(limit=2))
    second = members.of_user(DANA, PageRequest(first.next_cursor, 2))

    names = [one.tenant.name for page in (first, second) for one in page.records]
    assert names == ["dev01", "lab01", "lab02"]
    assert [one.tenant.name for one in members.of_user(DANA, PageRequest(), "LAB").records] == [
        "lab01",
        "lab02",
    ]
    assert (members.count_of_user(DANA), members.count_of_user(DANA, "lab")) == (3, 2)
    assert (was_reading, members.reads_only(DANA)) == (True, False)
