"""The groups of a user after a sign-in: those of the claim, and all that have another source."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from daypass.portal.config.providers import GroupSource
from daypass.portal.errors import GroupsClaimInvalid, LastAdministrator, SignInFailed
from daypass.portal.groups.claims import MAX_VALUES
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group_member, delete_group, remove_group_member
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.store.users import add_user
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.storage.schema.groups import group_members, groups
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.unit_of_work import UnitOfWork
from daypass.portal.tenants.model import GroupId
from tests.fakes import NOON
from tests.portal.groups.conftest import BOB, ROOT, World, build
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, SCIM, add
from tests.portal.groups.test_claims import OKTA

READERS = Group(GroupId("4e" * 16), "readers", MemberSource.CLAIM, "okta", "daypass-readers")
ENTRA = Group(GroupId("e1" * 16), "readers", MemberSource.CLAIM, "entra", "daypass-readers")


def add_all(world: World, *, scim: User | None = None) -> None:
    with world.database.writing() as connection:
        for group in (PLATFORM, READERS):
            add(connection, group)
        for group in (DEVELOPERS, ENTRA, SCIM):
            add(connection, group, *(() if scim is None else (scim,)))


def test_a_user_in_500_groups_joins_those_that_the_portal_has(world: World) -> None:
    add_all(world)
    others = [f"group {number}" for number in range(MAX_VALUES - 1)]

    world.sign_in(OKTA, groups=[*others, "daypass-readers"])

    assert world.groups_of() == ["readers"]
    with pytest.raises(GroupsClaimInvalid, match="more than 500"):
        world.sign_in(OKTA, groups=[*others, "daypass-readers", "daypass-platform"])
    assert world.groups_of() == ["readers"]


def test_a_sign_in_joins_the_groups_of_its_claim_and_leaves_the_others_of_the_provider(world: World) -> None:
    add_all(world)

    world.sign_in(OKTA, groups=["daypass-readers", "unknown"])
    assert world.groups_of() == ["readers"]
    world.sign_in(OKTA, groups=["daypass-platform"])
    assert world.groups_of() == ["platform"]
    assert world.role() is Role.ADMINISTRATOR
    world.sign_in(OKTA, groups=[])
    assert world.groups_of() == []
    assert world.role() is Role.USER

    detail = {"user": BOB.username, "source": "claim", "provider": "okta"}
    assert world.events() == [
        ("group_member.add", "readers", "done", detail),
        ("group_member.remove", "readers", "done", detail),
        ("group_member.add", "platform", "done", detail),
        ("group_member.remove", "platform", "done", detail),
    ]


@pytest.mark.parametrize("source", [GroupSource.CLAIM, GroupSource.SCIM, GroupSource.NONE])
def test_a_sign_in_never_touches_groups_of_another_source_or_provider(
    world: World, source: GroupSource
) -> None:
    add_all(world, scim=BOB)

    world.sign_in(replace(OKTA, groups=source), groups=[])

    assert world.groups_of() == ["developers", "readers", "scim"]


@pytest.mark.parametrize("source", [GroupSource.SCIM, GroupSource.NONE])
def test_without_a_groups_claim_the_user_is_in_no_claim_group(world: World, source: GroupSource) -> None:
    add_all(world)
    world.sign_in(OKTA, groups=["daypass-readers"])

    world.sign_in(replace(OKTA, groups=source), groups=["daypass-readers", "daypass-platform"])

    assert world.groups_of() == []


def test_a_missing_claim_changes_nothing_and_the_refusal_is_recorded(world: World) -> None:
    add_all(world)
    world.sign_in(OKTA, groups=["daypass-readers"])

    with pytest.raises(GroupsClaimInvalid):
        world.sign_in(OKTA)
    with pytest.raises(GroupsClaimInvalid):
        world.sign_in(OKTA, _claim_names={"groups": "src1"})

    assert world.groups_of() == ["readers"]
    action, subject, outcome, detail = world.events()[1]
    assert (action, subject, outcome) == ("group.synchronise", BOB.username, "denied")
    assert (detail["provider"], detail["code"]) == ("okta", "groups_claim")


def test_a_user_who_is_created_by_the_same_unit_joins_groups(world: World) -> None:
    add_all(world)
    eve = User(UserId("ee" * 16), "eve@example.com", Role.USER)

    unit = world.synchronisation.changes_of_sign_in(eve, OKTA, {"groups": ["daypass-readers"]}, "")
    changes = [add_user(eve, None, at=NOON), *unit.changes]
    world.committer.commit_unit(UnitOfWork(changes, unit.records, unit.precondition))

    assert world.groups_of(eve) == ["readers"]


def test_a_group_that_is_deleted_during_the_sign_in_refuses_it(world: World) -> None:
    add_all(world)
    unit = world.synchronisation.changes_of_sign_in(BOB, OKTA, {"groups": ["daypass-readers"]}, "")
    with world.database.writing() as connection:
        delete_group(READERS.id).apply(connection)

    with pytest.raises(SignInFailed, match="Sign in again"):
        world.committer.commit_unit(unit)

    assert world.groups_of() == []


def test_a_match_is_recorded_at_most_once_an_hour(world: World) -> None:
    add_all(world)

    def matched_at() -> object:
        with world.database.reading() as connection:
            return connection.scalar(select(groups.c.last_matched_at).where(groups.c.id == READERS.id))

    for minutes, recorded in ((0, 0), (59, 0), (2, 61)):
        world.clock.move(timedelta(minutes=minutes))
        world.sign_in(OKTA, groups=["daypass-readers"])
        assert matched_at() == NOON + timedelta(minutes=recorded)


def test_the_last_way_in_is_never_synchronised_away(world: World) -> None:
    add_all(world)
    world.sign_in(OKTA, groups=["daypass-platform"])
    with world.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ROOT.id).values(disabled_at=NOON))

    with pytest.raises(LastAdministrator, match="password"):
        world.sign_in(OKTA, groups=[])

    assert world.role() is Role.ADMINISTRATOR
    action, subject, outcome, detail = world.events()[-1]
    assert (action, subject, outcome) == ("group.synchronise", BOB.username, "alert")
    assert detail["code"] == "last_administrator"
    # Groups that make no Administrators are not held back.
    world.sign_in(OKTA, groups=["daypass-platform", "daypass-readers"])
    world.sign_in(OKTA, groups=["daypass-platform"])


def test_leaving_the_group_ends_what_was_authorized_as_administrator(world: World) -> None:
    add_all(world)
    world.sign_in(OKTA, groups=["daypass-platform"])
    row = {
        "id": "t",
        "digest": b"d" * 32,
        "kind": "cli",
        "name": "cli",
        "user_id": BOB.id,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=1),
        "allows_admin": True,
        "reauthentication_exempt": True,
    }
    with world.database.writing() as connection:
        connection.execute(api_tokens.insert(), row)

    world.sign_in(OKTA, groups=[])

    with world.database.reading() as connection:
        token = connection.execute(select(api_tokens.c.allows_admin, api_tokens.c.reauthentication_exempt))
        assert token.one() == (False, False)


values = st.sampled_from(["daypass-platform", "daypass-readers", "x", "*", "Daypass-Platform", "admin"])
claims = st.fixed_dictionaries(
    {},
    optional={
        "groups": st.lists(values) | st.none() | values,
        "_claim_names": st.just({"groups": "src1"}),
        "roles": st.just(["Administrator"]),
        "role": st.just("Administrator"),
        "makes_administrators": st.just(True),
    },
)
steps = st.one_of(
    st.tuples(st.just("sign in"), st.sampled_from(["okta", "entra"]), claims),
    st.tuples(st.sampled_from(["join", "leave", "flag"]), st.sampled_from(["developers", "scim"]), st.none()),
    st.tuples(st.sampled_from(["delete", "create", "lower"]), st.just("platform"), st.none()),
)


@pytest.fixture(scope="module")
def one_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A migrated SQLite database, which each example empties."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('property') / 'portal.db'}")
    migrate(database)
    yield database
    database.close()


@settings(max_examples=40, deadline=None)
@given(script=st.lists(steps, min_size=1, max_size=8))
def test_no_sequence_of_sign_ins_and_changes_gives_a_role_or_group_without_a_rule(
    one_database: Database, script: list[tuple[str, str, dict[str, object] | None]]
) -> None:
    with one_database.writing() as connection:
        connection.execute(delete(users))
        connection.execute(delete(groups))
    for world in build(one_database):
        add_all(world)
        for action, name, sent in script:
            run(world, action, name, sent or {})
            check_rules(world)


LOCAL_AND_SCIM = {"developers": DEVELOPERS, "scim": SCIM}


def run(world: World, action: str, name: str, sent: dict[str, object]) -> None:
    """Make one step; a refused sign-in changes nothing."""
    if action == "sign in":
        before = world.groups_of()
        try:
            world.sign_in(replace(OKTA, name=name), BOB, **sent)
        except GroupsClaimInvalid:
            assert world.groups_of() == before
        else:
            expected = {PLATFORM, READERS} if name == "okta" else {ENTRA}
            wanted = [group for group in expected if group.external_id in list_of(sent["groups"])]
            assert of_provider(world, name) <= {group.id for group in wanted}
        return
    with world.database.writing() as connection:
        of_platform = groups.c.id == PLATFORM.id
        if action == "delete":
            delete_group(PLATFORM.id).apply(connection)
        elif action == "create":
            connection.execute(delete(groups).where(of_platform))
            add(connection, PLATFORM)
        elif action == "lower":
            connection.execute(update(groups).where(of_platform).values(makes_administrators=False))
        elif action == "flag":
            connection.execute(
                update(groups).where(groups.c.name == "developers").values(makes_administrators=True)
            )
        else:
            group = LOCAL_AND_SCIM[name]
            remove_group_member(group.id, BOB.id).apply(connection)
            if action == "join":
                add_group_member(group.id, BOB.id, at=NOON).apply(connection)


def list_of(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def of_provider(world: World, provider: str) -> set[str]:
    query = select(groups.c.id).join(group_members, group_members.c.group_id == groups.c.id)
    with world.database.reading() as connection:
        is_claim = groups.c.source == "claim"
        return set(connection.scalars(query.where(groups.c.provider == provider, is_claim)))


def check_rules(world: World) -> None:
    """Check that Bob is an Administrator only by the flag of a group of a provider that he is in."""
    query = (
        select(groups.c.makes_administrators, groups.c.source)
        .join(group_members, group_members.c.group_id == groups.c.id)
        .where(group_members.c.user_id == BOB.id)
    )
    with world.database.reading() as connection:
        rows = connection.execute(query).all()
    makes = any(row.makes_administrators and row.source != "local" for row in rows)
    assert world.role() is (Role.ADMINISTRATOR if makes else Role.USER)
    assert world.role(ROOT) is Role.ADMINISTRATOR
