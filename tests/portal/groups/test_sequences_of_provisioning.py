"""Sequences of SCIM calls: they give nothing that no rule gives, and touch only what the provider made."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from daypass.portal.errors import PortalError
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.provisioning.model import ProvisionedGroup, WantedGroup
from daypass.portal.http.scim.group_resources import new_group, patched_group
from daypass.portal.http.scim.resources import new_user, patched
from daypass.portal.identity.model import Role
from daypass.portal.identity.provisioning.model import ProvisionedUser, Provisioner, WantedUser
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import is_administrator, users
from daypass.portal.storage.schema.tenants import memberships, tenants
from daypass.portal.tenants.model import GroupId
from tests.portal.groups.conftest import BOB, ROOT, World, build
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, add
from tests.portal.groups.test_provisioning import ENTRA, OKTA, Scim

FOREIGN = Group(
    GroupId("e1" * 16), "foreign", MemberSource.SCIM, "entra", "foreign", makes_administrators=True
)
PROVIDERS = {"okta": OKTA, "entra": ENTRA}
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

# A number is the position among the users and groups that exist at that moment, whoever made them.
number = st.integers(0, 7)
extras = st.fixed_dictionaries(
    {},
    optional={
        "role": st.just("Administrator"),
        "roles": st.just([{"value": "Administrator"}]),
        "makes_administrators": st.just(True),
        "source": st.just("local"),
        "groups": st.just([{"value": FOREIGN.id}]),
    },
)
steps = st.tuples(
    st.sampled_from(["okta", "okta", "okta", "entra"]),
    st.sampled_from(
        ["make user", "off", "on", "delete user"]
        + ["make group", "put group", "add", "remove", "replace", "rename", "delete group"] * 2
    ),
    number,
    st.lists(number, max_size=3),
    extras,
)
Step = tuple[str, str, int, list[int], dict[str, object]]


@pytest.fixture(scope="module")
def one_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A migrated SQLite database, which each example empties."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('property') / 'portal.db'}")
    migrate(database)
    yield database
    database.close()


@settings(max_examples=20, deadline=None)
@given(script=st.lists(steps, min_size=1, max_size=10))
def test_no_sequence_of_scim_calls_gives_what_no_rule_gives(
    one_database: Database, script: Sequence[Step]
) -> None:
    with one_database.writing() as connection:
        for table in (users, groups, tenants):
            connection.execute(delete(table))
    for world in build(one_database):
        scim = Scim(world)
        ann = scim.user("ann")
        rule = scim.group("a rule", ann)
        scim.allow(rule, administrators=True)
        with one_database.writing() as connection:
            add(connection, DEVELOPERS, BOB)
            add(connection, replace(PLATFORM, makes_administrators=True), BOB)
            add(connection, FOREIGN)
        for step in script:
            before = members_of_groups(world)
            with suppress(PortalError):
                run(scim, *step)
            check(world, before, provider=step[0], rule=rule)


def run(
    scim: Scim, provider: str, action: str, chosen: int, several: list[int], extra: dict[str, object]
) -> None:
    """Make one call with the parts of the channel that read its body; ids can be anybody's."""
    by = PROVIDERS[provider]
    user_ids, group_ids = existing(scim.world)
    if "user" in action or action in {"off", "on"}:
        run_on_user(
            scim, by, action, user_ids[chosen % len(user_ids)], f"u{chosen}@{provider}.example.com", extra
        )
        return
    value = [{"value": user_ids[each % len(user_ids)]} for each in several]
    content = {"displayName": f"{provider} {chosen}", "members": value, **extra}
    run_on_group(scim, by, action, group_ids[chosen % len(group_ids)], content)


def run_on_user(
    scim: Scim, by: Provisioner, action: str, user_id: str, name: str, extra: dict[str, object]
) -> None:
    if action == "make user":
        scim.users.create(new_user({"userName": name, **extra}), by)
    elif action == "delete user":
        scim.users.delete(user_id, by)
    else:
        content = patch({"op": "Replace", "value": {"active": str(action == "on"), **extra}})

        def edit(old: ProvisionedUser) -> WantedUser:
            return patched(old, content)

        scim.users.update(user_id, edit, by)


def run_on_group(scim: Scim, by: Provisioner, action: str, group_id: str, content: dict[str, object]) -> None:
    wanted = new_group(content)
    members = content.pop("members")
    if action == "make group":
        scim.groups.create(wanted, by)
    elif action == "put group":
        scim.groups.update(group_id, lambda _old: wanted, by)
    elif action == "delete group":
        scim.groups.delete(group_id, by)
    else:
        on_members = {"op": action, "path": "members", "value": members}
        operation = {"op": "replace", "value": content} if action == "rename" else on_members

        def edit(old: ProvisionedGroup) -> WantedGroup:
            return patched_group(old, patch(operation))

        scim.groups.update(group_id, edit, by)


def patch(operation: Mapping[str, object]) -> dict[str, object]:
    return {"schemas": [PATCH], "Operations": [operation]}


def existing(world: World) -> tuple[list[str], list[str]]:
    with world.database.reading() as connection:
        user_ids = connection.scalars(select(users.c.id).order_by(users.c.username)).all()
        group_ids = connection.scalars(select(groups.c.id).order_by(groups.c.provider, groups.c.name)).all()
    return list(user_ids), list(group_ids)


def members_of_groups(world: World) -> dict[tuple[str, str, str, str], frozenset[str]]:
    """Return the members of each group by its id, source, provider and name."""
    query = select(groups.c.id, groups.c.source, groups.c.provider, groups.c.name)
    with world.database.reading() as connection:
        rows = connection.execute(select(group_members.c.group_id, group_members.c.user_id)).all()
        return {
            tuple(group): frozenset(row.user_id for row in rows if row.group_id == group.id)
            for group in connection.execute(query)
        }


def check(
    world: World, before: dict[tuple[str, str, str, str], frozenset[str]], *, provider: str, rule: Group
) -> None:
    after = members_of_groups(world)
    # Groups of another source or provider are as before.
    others = {key: value for key, value in before.items() if (key[1], key[2]) != ("scim", provider)}
    assert {key: value for key, value in after.items() if (key[1], key[2]) != ("scim", provider)} == others
    # The members of a provider's groups are its own users.
    prefix = {"okta": ("ann", "u"), "entra": ("u",)}
    with world.database.reading() as connection:
        names = {row.id: row.username for row in connection.execute(select(users.c.id, users.c.username))}
        administrators = set(connection.scalars(select(users.c.username).where(is_administrator)))
        assert connection.execute(select(memberships.c.user_id)).all() == []
        assert set(connection.scalars(select(group_memberships.c.group_id))) <= {rule.id}
        assigned = set(connection.scalars(select(users.c.username).where(users.c.role != Role.USER.value)))
        flagged = set(connection.scalars(select(groups.c.id).where(groups.c.makes_administrators)))
    for (_, source, owner, _), user_ids in after.items():
        if source == "scim":
            for user_id in user_ids:
                assert names[user_id].startswith(prefix[owner])
                assert owner == "okta" or "@entra." in names[user_id]
    # The role comes from an assigned role, or from a group to which an Administrator gave the flag.
    assert assigned == {ROOT.username}
    assert flagged <= {rule.id, PLATFORM.id, FOREIGN.id}
    of_rules = {
        names[user_id] for key, user_ids in after.items() if key[0] in flagged for user_id in user_ids
    }
    assert administrators == {ROOT.username} | of_rules
