"""Groups as Administrators change them: sources, members, memberships, and who becomes an Administrator."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from daypass.portal.access.model import Caller
from daypass.portal.admin.groups.model import GroupQuery, GroupRecord, membership_version
from daypass.portal.admin.groups.service import GroupDefinition, Groups
from daypass.portal.admin.model import Version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import (
    AccessDenied,
    AlreadyExists,
    GroupNotFound,
    GroupReadOnly,
    InvalidRequest,
    LastAdministrator,
    MembershipNotFound,
    PermissionSetInUse,
    PortalError,
    PreconditionFailed,
)
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.identity.model import Role
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.secret import Secret
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.storage.schema.groups import group_members, group_memberships
from daypass.portal.storage.schema.identity import api_tokens
from daypass.portal.tenants.model import GroupId
from tests.fakes import NOON
from tests.portal.admin.conftest import Administration
from tests.portal.admin.test_permission_sets import OPERATES
from tests.portal.groups.examples import PLATFORM, SCIM, add

DANA, ALICE = "dana@example.com", "alice@example.com"
HOUR = timedelta(hours=1)
OKTA = ProviderConfig("okta", "https://example.okta.com", "client", groups=GroupSource.CLAIM)
ENTRA = replace(OKTA, name="entra", makes_administrators=True)
DEVELOPERS = GroupDefinition("developers", "Write the software.")
READERS = GroupDefinition("readers", provider="okta", value="daypass-readers")


@pytest.fixture
def groups(administration: Administration) -> Groups:
    """The service with two configured providers, of which Entra's groups may make Administrators."""
    return replace(administration.groups, providers={each.name: each for each in (OKTA, ENTRA)})


def store(administration: Administration, group: Group, *usernames: str) -> None:
    found = [administration.users.find(name).user for name in usernames]
    with administration.database.writing() as connection:
        add(connection, group, *found)


def test_a_local_group_is_created_renamed_and_deleted(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    made = groups.create(DEVELOPERS, alice)

    assert (made.group.source, made.group.provider, made.members) == (MemberSource.LOCAL, "", 0)
    assert groups.find("developers") == groups.find(made.group.id) == made
    renamed = groups.update("developers", alice, name="devs", expected=made.version)
    assert (renamed.group.name, renamed.group.description) == ("devs", "Write the software.")
    with pytest.raises(PreconditionFailed):
        groups.update("devs", alice, description="", expected=made.version)
    with pytest.raises(PreconditionFailed):
        groups.delete("devs", alice, made.version)
    groups.delete("devs", alice, renamed.version)
    with pytest.raises(GroupNotFound):
        groups.find("devs")
    facts = {
        "name": "developers",
        "source": "local",
        "provider": "",
        "value": None,
        "description": "Write the software.",
        "makes_administrators": False,
    }
    ((_, subject, outcome, detail),) = administration.events("group.create")
    assert (subject, outcome) == ("developers", "done")
    assert facts.items() <= {key.removeprefix("new."): value for key, value in detail.items()}.items()
    assert administration.events("group.delete")[-1][3]["old.name"] == "devs"


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (GroupDefinition(""), "1 to 100"),
        (GroupDefinition(" a"), "spaces at the ends"),
        (GroupDefinition("a/b"), "no “/”"),
        (GroupDefinition("a\n"), "printable"),
        (GroupDefinition("a" * 101), "1 to 100"),
        (GroupDefinition("a", "d" * 501), "at most 500"),
        (GroupDefinition("a", value="b"), "provider"),
        (GroupDefinition("a", provider="okta"), "value"),
        (GroupDefinition("a", provider="okta", value="daypass-*"), "no wildcard"),
        (GroupDefinition("a", provider="google", value="b"), "No identity provider “google”"),
        (GroupDefinition("a", makes_administrators=True), "local group makes no Administrators"),
        (replace(READERS, makes_administrators=True), "does not let groups of “okta”"),
    ],
)
def test_a_group_that_cannot_be_as_described_is_refused(
    groups: Groups, alice: Caller, definition: GroupDefinition, reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        groups.create(definition, alice)

    assert groups.count(GroupQuery()) == 0


def test_a_provider_whose_groups_come_by_scim_has_no_claim_groups(groups: Groups, alice: Caller) -> None:
    by_scim = replace(groups, providers={"okta": replace(OKTA, groups=GroupSource.SCIM)})

    with pytest.raises(InvalidRequest, match="groups by a claim"):
        by_scim.create(READERS, alice)


def test_names_are_unique_for_each_provider_and_an_ambiguous_one_is_refused(
    groups: Groups, alice: Caller
) -> None:
    local = groups.create(replace(DEVELOPERS, name="readers"), alice)
    groups.create(READERS, alice)

    for taken in (replace(DEVELOPERS, name="readers"), READERS, replace(READERS, name="other")):
        with pytest.raises(AlreadyExists):
            groups.create(taken, alice)
    with pytest.raises(InvalidRequest, match="Several groups"):
        groups.find("readers")
    assert groups.find(local.group.id) == local
    page = groups.page(GroupQuery(source=MemberSource.CLAIM), PageRequest())
    assert [record.group.provider for record in page.records] == ["okta"]


def test_members_of_a_local_group_are_changed_here(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    members = administration.group_members
    groups.create(DEVELOPERS, alice)

    added = members.add("developers", DANA, alice)
    assert members.add("developers", DANA, alice) == added
    assert [each.user.username for each in members.page("developers", PageRequest()).records] == [DANA]
    assert [record.group.name for record in groups.of_user(DANA)] == ["developers"]
    assert groups.find("developers").members == 1
    members.remove("developers", DANA, alice)
    with pytest.raises(MembershipNotFound):
        members.remove("developers", DANA, alice)
    assert len(administration.events("group_member.add")) == 1
    assert administration.events("group_member.remove")[0][3]["old.user"] == DANA


@pytest.mark.parametrize("group", [PLATFORM, SCIM])
def test_members_of_a_provider_s_group_are_read_only(
    administration: Administration, alice: Caller, group: Group
) -> None:
    store(administration, group, DANA)

    for act in (administration.group_members.add, administration.group_members.remove):
        with pytest.raises(GroupReadOnly, match="okta"):
            act(group.id, DANA, alice)

    assert administration.groups.find(group.id).members == 1


def test_a_user_changes_no_group(administration: Administration, groups: Groups, dana: Caller) -> None:
    groups.create(DEVELOPERS, OPERATOR)
    acts: list[Callable[[], object]] = [
        lambda: groups.create(READERS, dana),
        lambda: groups.update("developers", dana, name="mine"),
        lambda: groups.delete("developers", dana),
        lambda: administration.group_members.add("developers", DANA, dana),
        lambda: administration.group_memberships.put("developers", "dev01", "full", None, dana),
    ]

    for act in acts:
        with pytest.raises(AccessDenied):
            act()

    with administration.database.reading() as connection:
        assert connection.scalar(select(group_members.c.user_id)) is None
        assert connection.scalar(select(group_memberships.c.tenant_id)) is None


def test_a_group_gives_a_membership_until_its_end(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    memberships = administration.group_memberships
    groups.create(DEVELOPERS, alice)

    given = memberships.put("developers", "dev01", "read-only", NOON + HOUR, alice, Version(""))
    assert (given.permission_set, given.ends_at) == (READ_ONLY, NOON + HOUR)
    with pytest.raises(PreconditionFailed):
        memberships.put("developers", "dev01", "full", None, alice, Version(""))
    with pytest.raises(InvalidRequest, match="has passed"):
        memberships.put("developers", "dev01", "full", NOON, alice)
    changed = memberships.put("developers", "dev01", "full", None, alice, membership_version(given))
    assert (changed.permission_set, changed.ends_at) == (FULL, None)
    assert [each.tenant.name for each in memberships.page("developers", PageRequest()).records] == ["dev01"]
    assert [each.group.name for each in memberships.of_tenant("dev01")] == ["developers"]
    memberships.remove("developers", "dev01", alice, membership_version(changed))
    with pytest.raises(MembershipNotFound):
        memberships.find("developers", "dev01")
    detail = administration.events("group_membership.put")[-1][3]
    assert (detail["old.ends_at"], detail["new.permission_set"]) == ((NOON + HOUR).isoformat(), "full")


def test_a_permission_set_that_a_group_uses_stays_and_a_deleted_tenant_leaves_the_group(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    administration.permission_sets.put("operator", OPERATES, alice)
    groups.create(DEVELOPERS, alice)
    administration.group_memberships.put("developers", "dev01", "operator", None, alice)

    with pytest.raises(PermissionSetInUse, match="1 membership has"):
        administration.permission_sets.remove("operator", alice)
    assert administration.permission_sets.find("operator").members == 1
    assert {each.permission_set.name: each.members for each in administration.permission_sets.with_members()}[
        "operator"
    ] == 1
    administration.tenants.delete("dev01", OPERATOR)
    assert groups.find("developers").memberships == 0
    administration.permission_sets.remove("operator", alice)


def test_a_deleted_user_leaves_their_groups(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    groups.create(DEVELOPERS, alice)
    administration.group_members.add("developers", DANA, alice)

    administration.users.delete(DANA, alice)

    assert groups.find("developers").members == 0


ENDS: dict[str, Callable[[Groups], object]] = {
    "flag": lambda groups: groups.update("platform", OPERATOR, makes_administrators=False),
    "delete": lambda groups: groups.delete("platform", OPERATOR),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_change_of_a_group_leaves_an_administrator_with_a_way_in(
    administration: Administration, groups: Groups, end: Callable[[Groups], object]
) -> None:
    store(administration, PLATFORM, DANA)

    # Alice and Amir are Administrators without a password, so they cannot sign in.
    with pytest.raises(LastAdministrator, match="password"):
        end(groups)
    assert administration.users.find(DANA).user.is_administrator
    administration.users.set_password(ALICE, Secret("correct horse battery"), OPERATOR)
    end(groups)
    assert not administration.users.find(DANA).user.is_administrator


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("other", ["none", "role", "group"])
def test_members_who_stop_being_administrators_lose_what_they_authorized_as_such(
    administration: Administration, groups: Groups, end: Callable[[Groups], object], other: str
) -> None:
    administration.users.set_password(ALICE, Secret("correct horse battery"), OPERATOR)
    store(administration, PLATFORM, DANA)
    if other == "role":
        administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)
    elif other == "group":
        store(administration, replace(SCIM, makes_administrators=True), DANA)
    token = administration.caller(DANA).token
    assert token.reauthentication_exempt

    end(groups)

    with administration.database.reading() as connection:
        exempt = select(api_tokens.c.reauthentication_exempt).where(api_tokens.c.id == token.id)
        assert connection.scalar(exempt) is (other != "none")


def test_a_start_takes_the_role_from_groups_whose_provider_may_no_longer_give_it(
    administration: Administration, groups: Groups
) -> None:
    kept = groups.create(replace(READERS, provider="entra", makes_administrators=True), OPERATOR)
    removed = replace(SCIM, provider="removed", makes_administrators=True)
    # The provider may make Administrators, but sends groups by a claim now.
    former = replace(SCIM, id=GroupId("former"), provider="entra", name="former", makes_administrators=True)
    for group in (PLATFORM, removed, former):
        store(administration, group, DANA)

    # While nobody could sign in instead, the groups keep the role.
    groups.withdraw_administrators()
    assert administration.users.find(DANA).user.is_administrator
    assert {outcome for _, _, outcome, _ in administration.events("group.update")} == {"denied"}
    administration.users.set_password(ALICE, Secret("correct horse battery"), OPERATOR)
    groups.withdraw_administrators()
    assert not administration.users.find(DANA).user.is_administrator
    assert groups.find(kept.group.id) == kept
    assert administration.events("group.update")[-1][0] == "daypass"


def test_a_group_makes_administrators_only_where_the_configuration_says_so(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    made = groups.create(replace(READERS, provider="entra", makes_administrators=True), OPERATOR)
    assert made.group.makes_administrators
    for group in (SCIM, replace(PLATFORM, makes_administrators=False)):
        store(administration, group)
        with pytest.raises(PortalError, match="does not let groups of “okta”"):
            groups.update(group.id, alice, makes_administrators=True)
    former = replace(SCIM, id=GroupId("former"), provider="entra", name="former", makes_administrators=False)
    store(administration, former)
    with pytest.raises(InvalidRequest, match="does not let groups of “entra”"):
        groups.update(former.id, alice, makes_administrators=True)
    with pytest.raises(InvalidRequest, match="names this group"):
        groups.update(SCIM.id, alice, name="other")


def test_the_users_of_a_tenant_by_groups_are_paged_and_searched(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    memberships = administration.group_memberships
    for name in ("b-team", "a-team"):
        groups.create(GroupDefinition(name), alice)
        administration.group_members.add(name, DANA, alice)
        memberships.put(name, "dev01", "full", None, alice)
    administration.group_members.add("a-team", ALICE, alice)

    first = memberships.users_of_tenant("dev01", PageRequest(limit=2))
    second = memberships.users_of_tenant("dev01", PageRequest(first.next_cursor, 2))

    listed = [(one.username, one.group.name) for page in (first, second) for one in page.records]
    assert listed == [(ALICE, "a-team"), (DANA, "a-team"), (DANA, "b-team")]
    assert second.next_cursor is None
    found = memberships.users_of_tenant("dev01", PageRequest(), "DANA").records
    assert [one.group.name for one in found] == ["a-team", "b-team"]
    counts = [memberships.count_users_of_tenant("dev01", search) for search in ("", "dana")]
    assert counts == [3, 2]
    assert [each.group.name for each in memberships.of_user(ALICE)] == ["a-team"]


def test_a_user_reads_only_unless_a_group_gives_more_until_its_end(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    memberships, reads_only = administration.group_memberships, administration.members.reads_only
    groups.create(DEVELOPERS, alice)
    administration.group_members.add("developers", DANA, alice)
    memberships.put("developers", "dev01", "read-only", None, alice)
    by_group = reads_only(DANA)

    memberships.put("developers", "dev01", "full", NOON + HOUR, alice)
    administration.members.put("dev01", DANA, "read-only", alice)
    with_full = reads_only(DANA)
    administration.clock.move(HOUR)

    assert (by_group, with_full, reads_only(DANA)) == (True, False, True)


def test_a_group_is_found_whatever_the_case_of_its_name(groups: Groups, alice: Caller) -> None:
    groups.create(GroupDefinition("Öffentlich Web"), alice)

    for search in ("web", "WEB", "Öffen", "h w"):
        assert groups.count(GroupQuery(search=search)) == 1, search
    assert groups.page(GroupQuery(search="api"), PageRequest()).records == []


def test_searches_within_a_group_count_what_they_find(
    administration: Administration, groups: Groups, alice: Caller
) -> None:
    groups.create(DEVELOPERS, alice)
    for name in (DANA, ALICE):
        administration.group_members.add("developers", name, alice)
    administration.group_memberships.put("developers", "dev01", "full", None, alice)

    members, memberships = administration.group_members, administration.group_memberships
    assert [members.count("developers", search) for search in ("", "dana", "zz")] == [2, 1, 0]
    assert [memberships.count("developers", search) for search in ("", "DEV", "x")] == [1, 1, 0]
    assert memberships.page("developers", PageRequest(), "x").records == []
    assert members.find("developers", DANA).user.username == DANA
    other = administration.users.create("bo@example.com", Role.USER, None, OPERATOR).user
    with pytest.raises(MembershipNotFound, match="not a member"):
        members.find("developers", other.id)


@pytest.mark.parametrize(
    ("source", "last_matched_at", "is_unmatched"),
    [
        (MemberSource.CLAIM, None, True),
        (MemberSource.CLAIM, NOON + HOUR, False),
        (MemberSource.SCIM, None, False),
        (MemberSource.LOCAL, None, False),
    ],
)
def test_only_a_claim_group_without_a_match_for_30_days_is_unmatched(
    source: MemberSource, last_matched_at: datetime | None, is_unmatched: bool
) -> None:
    group = replace(PLATFORM, source=source)
    record = GroupRecord(group, NOON, NOON, last_matched_at, members=1, memberships=1)

    assert record.is_unmatched(NOON + timedelta(days=30)) == is_unmatched
    assert not record.is_unmatched(NOON + timedelta(days=30) - timedelta(seconds=1))
