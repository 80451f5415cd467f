"""The pages about groups: the list, the access and members of one group, and the forms."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.portal.admin.groups.store import GroupList
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group_member, add_group_membership, record_match
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.store.users import add_user
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.tenants.model import GroupId
from tests.fakes import NOON
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, SCIM, add
from tests.portal.http.client import Answer
from tests.portal.http.pages.test_administrator import Browser, alert, sign_in, text
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PROD, World
from tests.portal.http.world import world as make_world

GROUPS = "/administrator/groups"
CREATE = f"{GROUPS}/create"
LOCAL, CLAIM, BY_SCIM = (f"{GROUPS}/{group.id}" for group in (DEVELOPERS, PLATFORM, SCIM))
OLD = Group(GroupId("0d" * 16), "contractors", MemberSource.CLAIM, "former", "daypass-contractors")


def provider(name: str, groups: GroupSource, *, makes_administrators: bool = False) -> ProviderConfig:
    return ProviderConfig(
        name,
        f"https://{name}.example.com",
        "daypass",
        label=name.title(),
        groups=groups,
        makes_administrators=makes_administrators,
    )


OKTA = provider("okta", GroupSource.CLAIM, makes_administrators=True)
GITLAB = provider("gitlab", GroupSource.CLAIM)


@contextmanager
def portal(url: str) -> Iterator[World]:
    """Run a portal with two providers that send groups, and groups of every source."""
    with make_world(url, providers=(OKTA, GITLAB)) as created:
        with created.database.writing() as connection:
            add(connection, DEVELOPERS, created.users[DANA])
            add(connection, PLATFORM)
            add(connection, SCIM, created.users[NOOR])
            add(connection, OLD)
            add_group_membership(DEVELOPERS.id, DEV.id, READ_ONLY, None, at=NOON).apply(connection)
        yield created


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """A new portal."""
    with portal(sqlite_url) as created:
        yield created


@pytest.fixture(scope="module")
def same_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shared portal for tests that do not change it."""
    path = tmp_path_factory.mktemp("groups") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with portal(f"sqlite:///{path}") as created:
        yield created


@pytest.fixture(scope="module")
def reader(same_world: World) -> Browser:
    """An Administrator of the shared portal."""
    return sign_in(same_world, ADMIN)


@pytest.fixture
def admin(world: World) -> Browser:
    return sign_in(world, ADMIN)


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]


def error_of(answer: Answer, field: str) -> str:
    """Return the error beside a field, which the field points to."""
    page, field = text(answer), "tenant-name" if field == "tenant" else field
    found = re.search(rf'id="{field}-error" role="alert">(.*?)</p>', page)
    assert found, page
    assert f'aria-describedby="{field}-error" aria-invalid="true"' in page
    return found[1]


def rows(page: str) -> dict[str, str]:
    """Return the rows of the page's first table, by the text of their link."""
    found = re.findall(r'<td role="cell" class="key.*?</tr>', page, re.DOTALL)
    return {re.findall(r"<a [^>]*>([^<]+)</a>", row)[0]: row for row in found}


def box_in(page: str) -> str:
    """Return the checkbox of the form that makes members Administrators."""
    found = re.search(r'<input type="checkbox" id="makes_administrators".*?>', page)
    assert found
    return found[0]


def test_the_list_shows_the_source_members_and_tenants_of_each_group(reader: Browser) -> None:
    listed = rows(reader.see(GROUPS))

    assert list(listed) == ["contractors", "developers", "platform", "scim"]
    assert 'class="once">Local<' in listed["developers"]
    assert 'data-label="Members" class="num"><a href' in listed["developers"]
    assert 'data-label="Tenants" class="num">1<' in listed["developers"]
    assert 'Claim<span class="meta">Okta<' in listed["platform"]
    assert "<dt>Source</dt><dd>Claim of Okta</dd>" in reader.see(CLAIM)
    assert 'data-label="Makes Administrators">yes<' in listed["platform"]
    assert 'data-label="Makes Administrators">no<' in listed["developers"]
    # The configuration takes Okta's groups from a claim, so nothing provisions this one.
    assert 'SCIM<span class="meta">Okta<' in listed["scim"]
    assert "Not synchronised" in listed["scim"]
    assert 'Claim<span class="meta">former<' in listed["contractors"]
    assert "Provider not configured" in listed["contractors"]
    # As the job for lapsed claims treats them: decision 0094.
    assert "The group has lost its members" in reader.see(f"{GROUPS}/{OLD.id}")
    assert "The group keeps its members" in reader.see(BY_SCIM)
    for name in ("developers", "platform"):
        assert "warn" not in listed[name]


def test_the_list_is_searched_and_paged(admin: Browser) -> None:
    assert list(rows(admin.see(f"{GROUPS}?search=PLAT"))) == ["platform"]
    assert "No matching groups" in admin.see(f"{GROUPS}?search=nothing-like-it")
    for number in range(30):
        admin.do(CREATE, name=f"team-{number:02}")
    page = admin.see(GROUPS)
    assert len(rows(page)) == 25
    assert "25 of 34" in page
    following = re.search(r'href="([^"]+)" rel="next"', page)
    assert following
    assert list(rows(admin.see(following[1])))[-1] == "team-29"


def test_a_portal_without_groups_says_what_a_group_is_for(quick_world: World) -> None:
    page = sign_in(quick_world, ADMIN).see(GROUPS)

    assert "No groups" in page
    assert f'href="{CREATE}"' in page
    assert 'type="search"' not in page


@pytest.mark.parametrize("has_match", [False, True])
def test_a_claim_group_is_marked_after_30_days_without_a_match(world: World, has_match: bool) -> None:
    if has_match:
        with world.database.writing() as connection:
            record_match(PLATFORM.id, at=NOON, stale_before=NOON).apply(connection)

    world.clock.move(timedelta(days=30) - timedelta(seconds=1))
    before = sign_in(world, ADMIN).see(GROUPS)
    world.clock.move(timedelta(seconds=1))
    after = rows(sign_in(world, ADMIN).see(GROUPS))

    assert "No match for 30 days" not in before
    assert [name for name, row in after.items() if "No match for 30 days" in row] == ["platform"]
    assert "Check the value at the identity provider" in sign_in(world, ADMIN).see(CLAIM)


def test_a_membership_is_added_changed_and_removed(admin: Browser) -> None:
    form = admin.see(f"{LOCAL}/add-tenant")
    assert '<option value="prod01">' in form
    fields = {"tenant": "prod01", "permission_set": "full", "ends_at": "2026-12-24T18:30"}
    assert admin.do(f"{LOCAL}/add-tenant", **fields).startswith(LOCAL)
    page = rows(admin.see(LOCAL))
    assert list(page) == ["dev01", "prod01"]
    assert "2026-12-24T18:30:00+00:00" in page["prod01"]
    assert "no end" in page["dev01"]
    assert list(rows(admin.see(f"{LOCAL}?search=prod"))) == ["prod01"]

    form = admin.see(f"{LOCAL}/tenants/{PROD.id}")
    assert 'value="2026-12-24T18:30"' in form
    assert '<option value="full" selected>' in form
    changed = {"permission_set": "read-only", "ends_at": "", "version": version_in(form)}
    admin.do(f"{LOCAL}/tenants/{PROD.id}", **changed)
    stale = admin.send(f"{LOCAL}/tenants/{PROD.id}", **changed)
    assert (stale.status, "was changed in the meantime" in alert(stale)) == (412, True)
    assert "read-only" in rows(admin.see(LOCAL))["prod01"]

    asked = admin.see(f"{LOCAL}/tenants/{PROD.id}/remove")
    assert "the one member in prod01 ends immediately" in asked
    admin.do(f"{LOCAL}/tenants/{PROD.id}", permission_set="full", ends_at="", version=version_in(asked))
    stale = admin.send(f"{LOCAL}/tenants/{PROD.id}/remove", version=version_in(asked))
    assert (stale.status, "was changed in the meantime" in alert(stale)) == (412, True)
    admin.do(f"{LOCAL}/tenants/{PROD.id}/remove", version=version_in(text(stale)))
    assert list(rows(admin.see(LOCAL))) == ["dev01"]


@pytest.mark.parametrize(
    ("change", "status", "field", "why"),
    [
        ({"tenant": ""}, 422, "tenant", "Enter a tenant."),
        ({"tenant": "nowhere"}, 404, "tenant", "There is no such tenant."),
        ({"tenant": "dev01"}, 412, "tenant", "gives this tenant already"),
        ({"permission_set": "all"}, 404, "permission_set", "all"),
        ({"ends_at": "tomorrow"}, 422, "ends_at", "Enter a date and a time"),
        ({"ends_at": "0001-01-01T00:00+14:00"}, 422, "ends_at", "Enter a date and a time"),
        ({"ends_at": "2020-01-01T00:00"}, 422, "ends_at", "has passed"),
    ],
)
def test_a_refused_membership_shows_the_reason_beside_the_field(
    reader: Browser, change: dict[str, str], status: int, field: str, why: str
) -> None:
    fields = {"tenant": "prod01", "permission_set": "full", "ends_at": "2027-01-01T00:00", **change}
    answer = reader.send(f"{LOCAL}/add-tenant", **fields)

    assert answer.status == status
    assert why in error_of(answer, field)
    assert f'value="{fields["ends_at"]}"' in text(answer)
    assert list(rows(reader.see(LOCAL))) == ["dev01"]


def test_a_change_of_the_set_keeps_the_fraction_of_an_end_that_was_not_changed(
    world: World, admin: Browser
) -> None:
    ends_at = datetime(2026, 12, 24, 18, 30, 15, 250_000, UTC)
    with world.database.writing() as connection:
        add_group_membership(DEVELOPERS.id, PROD.id, FULL, ends_at, at=NOON).apply(connection)

    form = admin.see(f"{LOCAL}/tenants/{PROD.id}")
    fields = {"ends_at": "2026-12-24T18:30:15", "version": version_in(form)}
    assert f'value="{fields["ends_at"]}"' in form
    admin.do(f"{LOCAL}/tenants/{PROD.id}", permission_set="read-only", **fields)

    with world.database.reading() as connection:
        now = GroupList(connection).find_membership(DEVELOPERS.id, PROD.id)
    assert now is not None
    assert (now.permission_set, now.ends_at) == (READ_ONLY, ends_at)


def test_a_membership_that_has_ended_is_marked(world: World, admin: Browser) -> None:
    admin.do(f"{LOCAL}/add-tenant", tenant="prod01", permission_set="full", ends_at="2026-12-24T18:30")
    world.clock.move(timedelta(days=60))

    page = rows(sign_in(world, ADMIN).see(LOCAL))
    assert "Ended" in page["prod01"]
    assert "Ended" not in page["dev01"]


def test_a_member_of_a_local_group_is_added_and_removed(admin: Browser, world: World) -> None:
    here, noor = f"{LOCAL}/members", world.users[NOOR]
    assert f'<option value="{NOOR}">' in admin.see(here)
    assert admin.do(here, user=NOOR).startswith(here)
    assert list(rows(admin.see(here))) == [DANA, NOOR]
    assert list(rows(admin.see(f"{here}?search=noor"))) == [NOOR]
    assert world.client().get("/api/v1/tenants", world.tokens[NOOR]).json["tenants"]

    asked = admin.see(f"{here}/{noor.id}/remove")
    assert f"What developers gives {NOOR} in one tenant ends immediately." in asked
    assert admin.do(f"{here}/{noor.id}/remove").startswith(here)
    assert list(rows(admin.see(here))) == [DANA]
    assert admin.send(f"{here}/{noor.id}/remove").status == 404


@pytest.mark.parametrize(
    ("username", "status", "why"), [("", 422, "Enter a username."), ("nobody", 404, "no such user")]
)
def test_a_member_who_does_not_exist_is_refused_beside_the_field(
    reader: Browser, username: str, status: int, why: str
) -> None:
    answer = reader.send(f"{LOCAL}/members", user=username)

    assert answer.status == status
    assert why in error_of(answer, "user")


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (CLAIM, "whose last sign-in at Okta had the value. Change them there"),
        (BY_SCIM, "from Okta. The group keeps its members and what it gives them: delete it, or ask"),
    ],
)
def test_the_members_of_a_provider_s_group_are_read_only(
    reader: Browser, same_world: World, group: str, why: str
) -> None:
    page = reader.see(f"{group}/members")

    assert why in page
    assert 'name="user"' not in page
    assert "/remove" not in page
    assert reader.send(f"{group}/members", user=DANA).status == 409
    removed = reader.send(f"{BY_SCIM}/members/{same_world.users[NOOR].id}/remove")
    assert (removed.status, "come from the identity provider" in text(removed)) == (409, True)


def test_a_claim_group_of_a_removed_provider_is_said_to_have_lost_its_members(reader: Browser) -> None:
    page = reader.see(f"{GROUPS}/{OLD.id}/members")

    assert "no longer configured. The group has lost its members, and gets none: delete it" in page
    assert "None come from the identity provider any more." in page


def test_only_a_group_whose_provider_sends_members_is_said_to_change_there(reader: Browser) -> None:
    said = {group: "Change them there" in reader.see(f"{group}/members") for group in (CLAIM, BY_SCIM)}

    assert said == {CLAIM: True, BY_SCIM: False}


def test_a_group_is_created_changed_and_deleted(admin: Browser) -> None:
    address = admin.do(CREATE, name="support", description="Answers customers.")
    page = admin.see(address)
    assert "Answers customers." in page
    assert "The group gives no access to AWS yet" in page
    assert "No members" in admin.see(f"{address}/members")

    form = admin.see(f"{address}/edit")
    changed = {"name": "help desk", "description": "", "version": version_in(form)}
    assert admin.do(f"{address}/edit", **changed) == address
    stale = admin.send(f"{address}/edit", **{**changed, "name": "desk"})
    assert (stale.status, "was changed in the meantime" in alert(stale)) == (412, True)
    assert 'value="desk"' in text(stale)
    assert "help desk" in rows(admin.see(GROUPS))

    asked = admin.see(f"{address}/delete")
    assert "0 members lose what the group gives in 0 tenants, immediately." in asked
    admin.do(f"{address}/edit", **{**changed, "name": "desk", "version": version_in(asked)})
    stale = admin.send(f"{address}/delete", version=version_in(asked))
    assert (stale.status, "was changed in the meantime" in alert(stale)) == (412, True)
    assert admin.do(f"{address}/delete", version=version_in(text(stale))) == GROUPS
    assert "desk" not in rows(admin.see(GROUPS))


def test_a_claim_group_is_created_with_a_value_that_no_form_changes(admin: Browser, world: World) -> None:
    form = admin.see(f"{CREATE}?provider=okta")
    assert "Value of the claim groups" in form
    assert "Claim of Gitlab" in form
    fields = {"provider": "okta", "name": "ops", "value": "daypass-ops", "makes_administrators": "true"}
    address = admin.do(CREATE, **fields)
    page = admin.see(address)
    assert "daypass-ops" in page
    assert "Makes Administrators</dt><dd>yes" in page

    form = admin.see(f"{address}/edit")
    assert 'name="value"' not in form
    assert (
        'name="makes_administrators" value="true" aria-describedby="makes_administrators-help" checked>'
        in form
    )
    admin.do(f"{address}/edit", name="ops", value="another", version=version_in(form))
    found = world.client().get("/api/v1/groups/ops", world.tokens[ADMIN]).json
    assert (found["value"], found["makes_administrators"]) == ("daypass-ops", False)


@pytest.mark.parametrize(
    ("fields", "status", "field", "why"),
    [
        ({"name": ""}, 422, "name", "1 to 100 printable characters"),
        ({"name": "a/b"}, 422, "name", "no “/”"),
        ({"name": "x", "description": "x" * 501}, 422, "description", "at most 500"),
        ({"name": "developers"}, 409, "name", "already"),
        ({"name": "x", "provider": "okta", "value": ""}, 422, "value", "1 to 255"),
        ({"name": "x", "provider": "okta", "value": "daypass-*"}, 422, "value", "no wildcard"),
        ({"name": "x", "provider": "okta", "value": "daypass-platform"}, 409, "value", "Another group"),
        (
            {"name": "x", "provider": "gitlab", "value": "x", "makes_administrators": "true"},
            422,
            "makes_administrators",
            "does not let groups of “gitlab”",
        ),
        ({"name": "x", "makes_administrators": "true"}, 422, "makes_administrators", "A local group"),
    ],
)
def test_a_refused_group_shows_the_reason_beside_the_field(
    reader: Browser, fields: dict[str, str], status: int, field: str, why: str
) -> None:
    answer = reader.send(CREATE, **fields)

    assert answer.status == status
    assert why in error_of(answer, field)
    assert len(rows(reader.see(GROUPS))) == 4


def test_a_group_of_a_provider_that_sends_no_groups_is_refused(reader: Browser) -> None:
    answer = reader.send(CREATE, name="x", provider="nobody", value="x")

    assert (answer.status, "No identity provider “nobody”" in alert(answer)) == (422, True)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (CREATE, "A local group makes no Administrators"),
        (f"{LOCAL}/edit", "A local group makes no Administrators"),
        (f"{CREATE}?provider=gitlab", "does not let groups of “gitlab” make Administrators"),
    ],
)
def test_the_form_says_why_a_group_cannot_make_administrators(
    reader: Browser, address: str, why: str
) -> None:
    page = reader.see(address)

    assert box_in(page).endswith(" disabled>")
    assert why in page


def test_a_group_that_its_provider_no_longer_lets_make_administrators_can_still_give_it_up(
    sqlite_url: str,
) -> None:
    with make_world(sqlite_url, providers=(GITLAB,)) as created:
        made = replace(PLATFORM, provider="gitlab")
        with created.database.writing() as connection:
            add(connection, made)
        page = sign_in(created, ADMIN).see(f"{CLAIM}/edit")

    assert box_in(page).endswith(" checked>")


def test_the_name_of_a_scim_group_is_the_provider_s(admin: Browser) -> None:
    form = admin.see(f"{BY_SCIM}/edit")
    assert "Okta names this group. Rename it there." in form
    assert 'name="name"' not in form
    admin.do(f"{BY_SCIM}/edit", name="another", description="Readers.", version=version_in(form))

    page = admin.see(BY_SCIM)
    assert "<h1>scim</h1>" in page
    assert "Readers." in page
    assert "can create the group again by SCIM" in admin.see(f"{BY_SCIM}/delete")


def test_the_last_way_in_keeps_a_group_of_administrators(world: World, admin: Browser) -> None:
    with world.database.writing() as connection:
        add_group_member(PLATFORM.id, world.users[DANA].id, at=NOON).apply(connection)
    asked = admin.see(f"{CLAIM}/delete")
    assert "Administrators only by this group lose the role" in asked

    deleted = admin.send(f"{CLAIM}/delete", version=version_in(asked))
    changed = admin.send(f"{CLAIM}/edit", name="platform", version=version_in(admin.see(f"{CLAIM}/edit")))

    for answer in (deleted, changed):
        assert (answer.status, "Administrator" in alert(answer)) == (409, True), text(answer)
    assert "platform" in rows(admin.see(GROUPS))


@pytest.mark.parametrize("address", [GROUPS, CREATE, LOCAL, f"{LOCAL}/members", f"{LOCAL}/delete"])
def test_only_administrators_see_the_pages(same_world: World, address: str) -> None:
    visitor = sign_in(same_world, DANA)

    assert same_world.client().get(address, headers=visitor.headers()).status == 403


def test_a_user_s_page_shows_their_groups_and_what_each_gives(world: World, admin: Browser) -> None:
    user = f"/administrator/users/{world.users[DANA].id}"
    ends_at = NOON + timedelta(days=20)
    with world.database.writing() as connection:
        add_group_member(PLATFORM.id, world.users[DANA].id, at=NOON).apply(connection)
        for tenant, end in ((PROD, ends_at), (DATA, NOON)):
            add_group_membership(DEVELOPERS.id, tenant.id, FULL, end, at=NOON).apply(connection)

    listed = rows(admin.see(f"{user}/groups"))

    assert list(listed) == ["developers", "platform"]
    assert "dev01</a>: read-only</p>" in listed["developers"]
    assert f'prod01</a>: full, until <time datetime="{ends_at.isoformat()}"' in listed["developers"]
    assert re.search(r"data01</a>: full, until .*Ended", listed["developers"])
    assert "no tenants" in listed["platform"]
    assert "makes Administrators" in listed["platform"]
    assert list(rows(admin.see(f"{user}/groups?search=PROD01"))) == ["developers"]
    # The membership in data01 has ended.
    access = admin.see(user)
    assert "give this user access to 2 tenants, too." in access
    assert f'href="{user}/groups">Groups</a>' in access


def test_a_user_with_access_by_groups_only_is_not_called_without_access(world: World, admin: Browser) -> None:
    noor = world.users[NOOR]
    user = f"/administrator/users/{noor.id}"
    assert "This user has no access to AWS yet" in admin.see(user)
    assert "This user is in no group" in admin.see(f"/administrator/users/{world.users[ADMIN].id}/groups")

    admin.do(f"{LOCAL}/members", user=NOOR)

    page = admin.see(user)
    assert "This user has access by groups only." in page
    assert "give this user access to one tenant, too." in page
    assert "Read-Only</dt><dd>Yes" in page


def test_a_tenant_s_page_shows_its_groups_and_the_users_by_each(world: World, admin: Browser) -> None:
    tenant = f"/administrator/tenants/{DEV.id}"
    ends_at = NOON + timedelta(days=20)
    with world.database.writing() as connection:
        add_group_membership(SCIM.id, DEV.id, FULL, ends_at, at=NOON).apply(connection)
        add_group_member(SCIM.id, world.users[DANA].id, at=NOON).apply(connection)

    page = admin.see(f"{tenant}/groups")

    first, _, second = page.partition("Users by group</h2>")
    assert list(rows(first)) == ["developers", "scim"]
    assert f'href="{LOCAL}/tenants/{DEV.id}"' in rows(first)["developers"]
    by_user = re.findall(r'<td role="cell" class="key.*?</tr>', second, re.DOTALL)
    assert [re.findall(r">([^<]+)</a>", row) for row in by_user] == [
        [DANA, "developers", "read-only"],
        [DANA, "scim", "full"],
        [NOOR, "scim", "full"],
    ]
    assert f'scim</a>, until <time datetime="{ends_at.isoformat()}"' in by_user[1]
    assert "until" not in by_user[0]
    found = admin.see(f"{tenant}/groups?search=noor").partition("Users by group</h2>")[2]
    assert list(rows(found)) == [NOOR]
    assert "2 groups give</a> access to this tenant, too." in admin.see(tenant)
    assert "No group gives access to this tenant" in admin.see(f"/administrator/tenants/{DATA.id}/groups")


def test_the_users_by_group_of_a_tenant_are_paged(world: World, admin: Browser) -> None:
    with world.database.writing() as connection:
        for number in range(30):
            user = User(UserId(f"{number:032x}"), f"user{number:02}@example.com", Role.USER)
            add_user(user, None, at=NOON).apply(connection)
            add_group_member(DEVELOPERS.id, user.id, at=NOON).apply(connection)

    page = admin.see(f"/administrator/tenants/{DEV.id}/groups").partition("Users by group</h2>")[2]

    assert "25 of 31" in page
    following = re.search(r'href="([^"]+)" rel="next"', page)
    assert following
    rest = rows(admin.see(following[1]).partition("Users by group</h2>")[2])
    assert list(rest) == [f"user{number:02}@example.com" for number in range(24, 30)]


@pytest.mark.parametrize(
    ("ends_at", "sentence"),
    [(None, "By group scim."), (NOON + timedelta(days=20), "By group scim, until 14")],
)
def test_the_profile_names_the_group_that_gives_the_access_and_its_end(
    world: World, ends_at: datetime | None, sentence: str
) -> None:
    with world.database.writing() as connection:
        add_group_membership(SCIM.id, DATA.id, FULL, ends_at, at=NOON).apply(connection)

    noor, dana = (re.sub(r"<[^>]+>", "", sign_in(world, name).see("/profile")) for name in (NOOR, DANA))

    assert sentence in noor
    assert "By group" not in dana
