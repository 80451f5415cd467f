"""Groups by SCIM on a real database: what they give, what their members lose, and whom they cannot reach."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AlreadyExists,
    GroupNotFound,
    InvalidRequest,
    LastAdministrator,
    PreconditionFailed,
)
from daypass.portal.groups.model import Group
from daypass.portal.groups.provisioning.model import ProvisionedGroup, WantedGroup
from daypass.portal.groups.provisioning.service import ProvisionedGroups
from daypass.portal.groups.store import add_group_membership, change_group
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.identity.provisioning.model import Provisioner, WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.identity.scopes import TENANTS_AND_ADMIN, format_scopes
from daypass.portal.permission_sets.model import FULL
from daypass.portal.storage.schema.groups import group_memberships
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import add_tenant
from tests.fakes import NOON
from tests.portal.groups.conftest import BOB, ROOT, World
from tests.portal.groups.examples import PLATFORM, add
from tests.portal.identity.external.conftest import events

OKTA = Provisioner("okta", "a-token", "192.0.2.1", "r")
ENTRA = Provisioner("entra", "another-token", "192.0.2.2", "r")
DEV = Tenant.with_role(TenantId("dev01-id"), "dev01", "eu-central-1", "arn", None)


class Scim:
    """The users and groups of two providers, in a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.users = ProvisionedUsers(world.database, world.committer, world.clock)
        self.groups = ProvisionedGroups(world.database, world.committer, world.clock)
        with world.database.writing() as connection:
            add_tenant(DEV, at=NOON).apply(connection)

    def user(self, name: str, by: Provisioner = OKTA) -> User:
        """Make a user by SCIM."""
        return self.users.create(WantedUser(f"{name}@example.com", name), by).user

    def group(self, name: str, *members: User, by: Provisioner = OKTA) -> Group:
        """Make a group by SCIM."""
        return self.groups.create(WantedGroup(name, name, ids(members)), by).group

    def allow(self, group: Group, *, administrators: bool = False) -> None:
        """Let a group give dev01, and make Administrators if the configuration would allow it."""
        with self.world.database.writing() as connection:
            add_group_membership(group.id, DEV.id, FULL, None, at=NOON).apply(connection)
            change_group(replace(group, makes_administrators=administrators), at=NOON).apply(connection)

    def remove(self, group: Group, user: User) -> None:
        """Remove a member by SCIM."""
        self.groups.update(group.id, without(user), OKTA)

    def tokens(self, user: User) -> tuple[str, str]:
        """Give a user a browser session and a command line with admin access; return their ids."""
        identity, ends = (
            Identity(self.world.database, self.world.committer, self.world.clock),
            timedelta(hours=1),
        )
        made = [
            identity.create_token(user, kind, kind.value, OPERATOR, grant_ends_at=NOON + ends)[1].id
            for kind in (TokenKind.BROWSER, TokenKind.CLI)
        ]
        with self.world.database.writing() as connection:
            scopes = format_scopes(TENANTS_AND_ADMIN)
            connection.execute(
                update(api_tokens).where(api_tokens.c.id == made[1]).values(allows_admin=True, scopes=scopes)
            )
        return made[0], made[1]

    def state(self, token_ids: Iterable[str]) -> list[tuple[bool, bool]]:
        """Return of each token whether it is live and whether it has admin access."""
        with self.world.database.reading() as connection:
            rows = connection.execute(
                select(api_tokens.c.id, api_tokens.c.revoked_at, api_tokens.c.allows_admin)
            ).all()
        found = {row.id: (row.revoked_at is None, bool(row.allows_admin)) for row in rows}
        return [found[token_id] for token_id in token_ids]


def ids(members: Iterable[User]) -> frozenset[str]:
    return frozenset(user.id for user in members)


def wants(**changed: object) -> Callable[[ProvisionedGroup], WantedGroup]:
    """Return an edit of what the provider said before."""

    def edit(old: ProvisionedGroup) -> WantedGroup:
        said = WantedGroup(old.group.name, old.group.external_id, old.members)
        return replace(said, **changed)  # type: ignore[arg-type]  # by name

    return edit


def without(user: User) -> Callable[[ProvisionedGroup], WantedGroup]:
    """Return an edit that removes a member."""
    return lambda old: replace(wants()(old), member_ids=old.members - {user.id})


def refusals(world: World) -> set[tuple[str, str]]:
    """Return the action and the subject of each recorded refusal."""
    return {
        (action, subject) for action, outcome, subject, _ in events(world.database) if outcome == "denied"
    }


@pytest.fixture
def scim(world: World) -> Scim:
    return Scim(world)


def test_a_new_group_gives_nothing_and_its_changes_are_recorded(scim: Scim, world: World) -> None:
    ann, ben = scim.user("ann"), scim.user("ben")
    group = scim.group("platform", ann)
    scim.groups.update(group.id, wants(name="plattform", member_ids=ids([ben])), OKTA)
    scim.groups.delete(group.id, OKTA)

    assert (group.makes_administrators, group.is_local, group.provider) == (False, False, "okta")
    recorded = [
        (action, subject, detail.get("user"), detail["provider"], detail["token_id"])
        for action, subject, _, detail in world.events()
    ]
    assert recorded == [
        ("group_member.add", "platform", "ann@example.com", "okta", "a-token"),
        ("group_member.remove", "plattform", "ann@example.com", "okta", "a-token"),
        ("group_member.add", "plattform", "ben@example.com", "okta", "a-token"),
        ("group_member.remove", "plattform", "ben@example.com", "okta", "a-token"),
    ]


def test_a_renamed_group_keeps_its_id_its_members_and_what_it_gives(scim: Scim, world: World) -> None:
    ann = scim.user("ann")
    group = scim.group("platform", ann)
    scim.allow(group, administrators=True)

    scim.groups.update(group.id, wants(name="plattform", external_id="new"), OKTA)

    found = scim.groups.find("okta", group.id)
    assert (found.group.name, found.group.external_id, found.members) == ("plattform", "new", ids([ann]))
    assert found.group.makes_administrators
    assert world.role(ann) is Role.ADMINISTRATOR
    with world.database.reading() as connection:
        assert connection.scalars(select(group_memberships.c.group_id)).all() == [group.id]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_user_who_leaves_a_group_is_signed_out_of_browsers_and_loses_admin_access(
    scim: Scim, world: World, is_deleted: bool
) -> None:
    ann, ben = scim.user("ann"), scim.user("ben")
    group = scim.group("platform", ann, ben)
    scim.allow(group, administrators=True)
    anns, bens = scim.tokens(ann), scim.tokens(ben)

    if is_deleted:
        scim.groups.delete(group.id, OKTA)
    else:
        scim.remove(group, ann)

    assert scim.state(anns) == [(False, False), (True, False)]
    assert scim.state(bens) == (
        [(False, False), (True, False)] if is_deleted else [(True, False), (True, True)]
    )
    assert world.role(ann) is Role.USER
    assert world.groups_of(ann) == []
    with world.database.reading() as connection:
        assert (connection.scalar(select(group_memberships.c.group_id)) is None) is is_deleted


def test_a_group_that_gives_nothing_ends_no_session(scim: Scim) -> None:
    ann = scim.user("ann")
    group = scim.group("platform", ann)
    tokens = scim.tokens(ann)

    scim.remove(group, ann)

    assert [is_live for is_live, _ in scim.state(tokens)] == [True, True]


@pytest.mark.parametrize("other", ["the assigned role", "another group"])
def test_a_user_who_stays_an_administrator_keeps_admin_access(scim: Scim, world: World, other: str) -> None:
    ann = scim.user("ann")
    group = scim.group("platform", ann)
    scim.allow(group, administrators=True)
    with world.database.writing() as connection:
        if other == "another group":
            add(connection, replace(PLATFORM, name="admins"), ann)
        else:
            connection.execute(
                update(users).where(users.c.id == ann.id).values(role=Role.ADMINISTRATOR.value)
            )
    tokens = scim.tokens(ann)

    scim.remove(group, ann)

    assert scim.state(tokens) == [(False, False), (True, True)]
    assert world.role(ann) is Role.ADMINISTRATOR


def test_without_a_local_administrator_nobody_is_synchronised_away(scim: Scim, world: World) -> None:
    ann = scim.user("ann")
    group = scim.group("platform", ann)
    scim.allow(group, administrators=True)
    with world.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ROOT.id).values(disabled_at=NOON))

    for change in (
        lambda: scim.remove(group, ann),
        lambda: scim.groups.update(group.id, wants(member_ids=frozenset()), OKTA),
        lambda: scim.groups.delete(group.id, OKTA),
    ):
        with pytest.raises(LastAdministrator):
            change()

    assert world.role(ann) is Role.ADMINISTRATOR
    action, subject, outcome, detail = world.events()[-1]
    assert (action, subject, outcome) == ("group.synchronise", "platform", "alert")
    assert (detail["provider"], detail["code"]) == ("okta", "last_administrator")
    scim.groups.update(group.id, wants(name="renamed"), OKTA)
    with world.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ROOT.id).values(disabled_at=None))
    scim.remove(group, ann)
    assert world.role(ann) is Role.USER


def test_a_deactivated_user_is_in_no_group_and_comes_back_without_any(scim: Scim, world: World) -> None:
    ann = scim.user("ann")
    group = scim.group("platform", ann)
    before = scim.groups.find("okta", group.id)

    for is_active in (False, True):
        scim.users.update(ann.id, lambda _old, now=is_active: WantedUser("ann@example.com", "ann", now), OKTA)  # type: ignore[misc]  # bound in the loop

    after = scim.groups.find("okta", group.id)
    assert (after.members, world.groups_of(ann)) == (frozenset(), [])
    assert after.tag != before.tag


def test_members_are_users_of_the_same_provider_and_not_for_an_emergency(scim: Scim, world: World) -> None:
    ann, eve, glass = scim.user("ann"), scim.user("eve", ENTRA), scim.user("glass")
    group = scim.group("platform", ann)
    with world.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == glass.id).values(is_break_glass=True))

    for user in (BOB, ROOT, eve, glass, User(UserId("0" * 32), "nobody", Role.USER)):
        with pytest.raises(InvalidRequest):
            scim.groups.update(group.id, wants(member_ids=ids([ann, user])), OKTA)
        with pytest.raises(InvalidRequest):
            scim.group("other", user)
        assert world.groups_of(user) == []
    assert scim.groups.find("okta", group.id).members == {ann.id}
    assert refusals(world) == {("scim_group.update", "platform"), ("scim_group.create", "other")}


def test_a_taken_name_of_a_group_is_refused_and_recorded(scim: Scim, world: World) -> None:
    scim.group("platform")
    other = scim.group("other")

    with pytest.raises(AlreadyExists):
        scim.group("platform")
    with pytest.raises(AlreadyExists):
        scim.groups.update(other.id, wants(name="platform"), OKTA)
    assert refusals(world) == {("scim_group.create", "platform"), ("scim_group.update", "other")}


def test_another_provider_reaches_no_group(scim: Scim) -> None:
    group = scim.group("platform")

    for call in (
        lambda: scim.groups.find("entra", group.id),
        lambda: scim.groups.update(group.id, wants(name="x"), ENTRA),
        lambda: scim.groups.delete(group.id, ENTRA),
    ):
        with pytest.raises(GroupNotFound):
            call()
    assert scim.groups.all("entra") == []
    assert scim.group("platform", by=ENTRA).id != group.id


def test_a_change_during_another_one_loses_nothing(scim: Scim) -> None:
    ann, ben = scim.user("ann"), scim.user("ben")
    group = scim.group("platform")
    calls = 0

    def add_ann(old: ProvisionedGroup) -> WantedGroup:
        nonlocal calls
        calls += 1
        if calls == 1:
            scim.groups.update(group.id, wants(member_ids=ids([ben])), OKTA)
        return replace(wants()(old), member_ids=old.members | {ann.id})

    scim.groups.update(group.id, add_ann, OKTA)

    assert scim.groups.find("okta", group.id).members == ids([ann, ben])
    assert calls == 2


def test_a_user_who_is_deleted_meanwhile_does_not_become_a_member(scim: Scim) -> None:
    ann = scim.user("ann")
    group = scim.group("platform")

    def add_ann(old: ProvisionedGroup) -> WantedGroup:
        if ann.id in [user.user.id for user in scim.users.all("okta")]:
            scim.users.delete(ann.id, OKTA)
        return replace(wants()(old), member_ids=ids([ann]))

    with pytest.raises(InvalidRequest):
        scim.groups.update(group.id, add_ann, OKTA)


def test_changes_that_never_end_are_refused_in_the_end(scim: Scim) -> None:
    group = scim.group("platform")
    number = 0

    def rename(old: ProvisionedGroup) -> WantedGroup:
        nonlocal number
        number += 1
        scim.groups.update(group.id, wants(name=f"group {number}"), OKTA)
        return replace(wants()(old), name="mine")

    with pytest.raises(PreconditionFailed, match="Try again"):
        scim.groups.update(group.id, rename, OKTA)


def test_more_ids_than_a_statement_has_parameters_are_looked_up(scim: Scim) -> None:
    ann = scim.user("ann")
    unknown = frozenset(f"{number:032x}" for number in range(40_000))

    with pytest.raises(InvalidRequest):
        scim.groups.create(WantedGroup("platform", None, unknown | {ann.id}), OKTA)
