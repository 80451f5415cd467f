"""The API calls about groups, through the whole portal."""

import pytest

from tests.portal.groups.examples import PLATFORM, add
from tests.portal.http.api.test_administration import ANY, NEW, Administrator, tag
from tests.portal.http.world import ADMIN, DANA, NOOR, World


@pytest.fixture
def admin(quick_world: World) -> Administrator:
    return Administrator(quick_world)


def test_a_group_gives_its_member_a_tenant_until_the_membership_ends(
    quick_world: World, admin: Administrator
) -> None:
    made = admin("POST", "/groups", {"name": "developers", "description": "Write the software."})
    assert (made.status, made.json["source"], made.json["provider"]) == (201, "local", "")
    assert made.header("etag") == f'"{made.json["version"]}"'
    assert admin("POST", "/groups", {"name": "developers"}).json["code"] == "already_there"

    added = admin("PUT", f"/groups/developers/members/{NOOR}")
    assert (added.status, added.json["username"]) == (200, NOOR)
    path = "/groups/developers/memberships/data01"
    given = admin("PUT", path, {"permission_set": "read-only", "ends_at": "2026-11-24T20:00:00+02:00"}, NEW)
    assert (given.status, given.json["ends_at"]) == (200, "2026-11-24T18:00:00+00:00")
    assert (given.json["group"], given.json["tenant"]) == ("developers", "data01")

    def tenants_of_noor() -> list[tuple[str, str]]:
        answer = quick_world.client().get("/api/v1/tenants", quick_world.tokens[NOOR])
        return [(one["name"], one["permission_set"]) for one in answer.json["tenants"]]

    assert tenants_of_noor() == [("data01", "read-only")]
    changed = admin("PUT", path, {"permission_set": "full"}, tag(given))
    assert (changed.json["access"], changed.json["ends_at"]) == ("full", None)
    assert admin("PUT", path, {"permission_set": "full"}, tag(given)).status == 412
    assert admin("PUT", path, {"permission_set": "full"}).status == 428
    assert admin("PUT", path, {"ends_at": "2026-11-24T20:00:00"}, ANY).status == 422
    assert tenants_of_noor() == [("data01", "full")]
    assert admin("DELETE", path, headers=tag(changed)).status == 204
    assert tenants_of_noor() == []


def test_groups_are_listed_with_their_members_and_memberships(admin: Administrator) -> None:
    for name in ("a", "b", "c"):
        admin("POST", "/groups", {"name": name})
    admin("PUT", f"/groups/b/members/{DANA}")
    admin("PUT", "/groups/b/memberships/data01", {}, NEW)

    first = admin("GET", "/groups", query="limit=2").json
    second = admin("GET", "/groups", query=f"limit=2&cursor={first['next_cursor']}").json
    listed = [(one["name"], one["members"], one["memberships"]) for one in first["groups"] + second["groups"]]
    assert listed == [("a", 0, 0), ("b", 1, 1), ("c", 0, 0)]
    assert [one["name"] for one in admin("GET", "/groups", query="search=c&source=local").json["groups"]] == [
        "c"
    ]
    assert [one["username"] for one in admin("GET", "/groups/b/members").json["members"]] == [DANA]
    assert [one["tenant"] for one in admin("GET", "/groups/b/memberships").json["memberships"]] == ["data01"]
    assert [one["group"] for one in admin("GET", "/tenants/data01/groups").json["memberships"]] == ["b"]
    assert [one["name"] for one in admin("GET", f"/users/{DANA}/groups").json["groups"]] == ["b"]
    shown = admin("GET", "/groups/b/memberships/data01")
    assert shown.header("etag") == f'"{shown.json["version"]}"'


def test_an_administrator_learns_that_a_tenant_does_not_exist(admin: Administrator) -> None:
    admin("POST", "/groups", {"name": "developers"})
    path = "/groups/developers/memberships/none"

    answer = admin("PUT", path, {"permission_set": "full"}, [("If-None-Match", "*")])

    assert (answer.status, answer.json["code"]) == (404, "tenant_not_found")
    assert answer.json["detail"] == "There is no tenant “none”. Check its name or id."


@pytest.mark.parametrize("kind", ["groups", "permission-sets", "tenants", "workload-rules"])
def test_a_secret_that_was_pasted_for_a_name_is_masked_in_the_answer(admin: Administrator, kind: str) -> None:
    answer = admin("GET", f"/{kind}/daypass_pat_a1b2c3d4e5")

    assert answer.status == 404
    assert "“daypass_pat_[redacted]”" in answer.json["detail"]


def test_a_group_is_changed_and_deleted(admin: Administrator) -> None:
    made = admin("POST", "/groups", {"name": "developers"})

    changed = admin("PATCH", f"/groups/{made.json['id']}", {"name": "devs"}, tag(made))
    assert (changed.status, changed.json["name"]) == (200, "devs")
    assert admin("PATCH", "/groups/devs", {"description": "x"}, tag(made)).status == 412
    assert admin("DELETE", "/groups/devs").status == 428
    assert admin("DELETE", "/groups/devs", headers=tag(changed)).status == 204
    missing = admin("GET", "/groups/devs")
    assert (missing.status, missing.json["code"]) == (404, "group_not_found")


def test_a_group_of_a_provider_keeps_its_members_and_makes_administrators(
    quick_world: World, admin: Administrator
) -> None:
    with quick_world.database.writing() as connection:
        add(connection, PLATFORM, quick_world.users[DANA])

    refused = admin("PUT", f"/groups/platform/members/{NOOR}")
    assert (refused.status, refused.json["code"]) == (409, "group_read_only")
    assert admin("DELETE", f"/groups/platform/members/{DANA}").json["code"] == "group_read_only"
    shown = admin("GET", f"/users/{DANA}").json
    assert (shown["role"], shown["assigned_role"]) == ("Administrator", "User")
    assert shown["administrator_group"] == "platform"
    assert [one["username"] for one in admin("GET", "/users", query="role=Administrator").json["users"]] == [
        ADMIN,
        DANA,
    ]
    # The world's Administrators have no passwords, so the group's are the only ones who could sign in.
    last = admin("DELETE", "/groups/platform", headers=ANY)
    assert (last.status, last.json["code"]) == (409, "last_administrator")
