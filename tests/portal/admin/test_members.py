from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import Version
from daypass.portal.errors import (
    AccessDenied,
    Changed,
    FreshSignInNeeded,
    MembershipNotFound,
    TenantNotFound,
    UserNotFound,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.service import OPERATOR
from daypass.portal.storage.page import Turn
from daypass.portal.tenants.model import Access
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration

DANA = "dana@example.com"


def test_a_member_is_added_changed_and_removed(administration: Administration, alice: Caller) -> None:
    members = administration.members

    added = members.put("dev01", DANA, Access.FULL, alice)
    assert added.access is Access.FULL
    assert [one.tenant.name for one in administration.users.memberships(DANA)] == ["dev01"]
    assert members.put("dev01", DANA, Access.READ_ONLY, alice).access is Access.READ_ONLY
    members.remove("dev01", DANA, alice)

    with pytest.raises(MembershipNotFound, match="no member"):
        members.find("dev01", DANA)
    with pytest.raises(MembershipNotFound):
        members.remove("dev01", DANA, alice)
    told = [
        (detail.get("old.access"), detail.get("new.access"))
        for _, _, _, detail in administration.events("membership.put")
    ]
    assert told == [(None, "full"), ("full", "read-only")]
    assert administration.events("membership.remove")[-1][3]["old.access"] == "read-only"


def test_the_same_access_again_changes_nothing(administration: Administration, alice: Caller) -> None:
    first = administration.members.put("dev01", DANA, Access.FULL, alice)

    assert administration.members.put("dev01", DANA, Access.FULL, alice) == first
    assert len(administration.events("membership.put")) == 1


def test_nobody_adds_themselves(administration: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        administration.members.put("dev01", DANA, Access.FULL, dana)
    with pytest.raises(MembershipNotFound):
        administration.members.find("dev01", DANA)
    assert administration.events("membership.put")[-1][2] == "denied"


def test_more_access_needs_a_fresh_sign_in_and_less_does_not(
    administration: Administration, clock: FakeClock
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))
    with pytest.raises(FreshSignInNeeded):
        administration.members.put("dev01", DANA, Access.READ_ONLY, by)

    administration.members.put("dev01", DANA, Access.FULL, OPERATOR)
    administration.members.put("dev01", DANA, Access.READ_ONLY, by)
    with pytest.raises(FreshSignInNeeded):
        administration.members.put("dev01", DANA, Access.FULL, by)
    administration.members.remove("dev01", DANA, by)


def test_a_membership_that_was_changed_meanwhile_stays(administration: Administration, alice: Caller) -> None:
    loaded = administration.members.put("dev01", DANA, Access.FULL, alice).version
    administration.members.put("dev01", DANA, Access.READ_ONLY, alice)

    for expected in (loaded, Version("")):
        with pytest.raises(Changed):
            administration.members.put("dev01", DANA, Access.FULL, alice, expected)
    with pytest.raises(Changed):
        administration.members.remove("dev01", DANA, alice, loaded)
    with pytest.raises(Changed):
        administration.members.put("dev01", "amir@example.com", Access.FULL, alice, loaded)


def test_members_of_what_is_not_there(administration: Administration, alice: Caller) -> None:
    with pytest.raises(TenantNotFound):
        administration.members.put("nowhere", DANA, Access.FULL, alice)
    with pytest.raises(UserNotFound):
        administration.members.put("dev01", "nobody", Access.FULL, alice)


def test_a_tenants_members_come_by_name_and_in_pages(administration: Administration, alice: Caller) -> None:
    for name in (DANA, "amir@example.com", "alice@example.com"):
        administration.members.put("dev01", name, Access.FULL, alice)

    first = administration.members.of_tenant("dev01", Turn(limit=2))
    second = administration.members.of_tenant("dev01", Turn(first.next_cursor, 2))

    assert [one.user.username for page in (first, second) for one in page.records] == [
        "alice@example.com",
        "amir@example.com",
        DANA,
    ]
    every = administration.members.page(Turn(limit=1))
    rest = administration.members.page(Turn(every.next_cursor))
    assert len(every.records) + len(rest.records) == 3
