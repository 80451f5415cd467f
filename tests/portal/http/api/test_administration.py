"""The API for Administrators: each operation, its preconditions and its permissions."""

import json
from datetime import timedelta

import pytest

from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import TENANT_VALIDITY
from tests.portal.http.client import Answer, Client, Headers
from tests.portal.http.world import ADMIN, DANA, DEV, NOOR, World

ROOT = "/api/v1"
ANY = (("If-Match", "*"),)
NEW = (("If-None-Match", "*"),)


class Administrator:
    """An API client of an Administrator."""

    def __init__(self, world: World, username: str = ADMIN) -> None:
        self._client, self._token = world.client(), world.tokens[username]

    def __call__(
        self, method: str, path: str, requested: object = None, headers: Headers = (), query: str = ""
    ) -> Answer:
        body = b"" if requested is None else json.dumps(requested).encode()
        return self._client.send(
            method, f"{ROOT}{path}", self._token, body=body, headers=headers, query=query
        )


@pytest.fixture
def admin(world: World) -> Administrator:
    return Administrator(world)


@pytest.fixture
def quick_admin(quick_world: World) -> Administrator:
    return Administrator(quick_world)


def tag(answer: Answer) -> tuple[tuple[str, str], ...]:
    assert answer.status in {200, 201}, answer.body
    return (("If-Match", answer.header("etag") or ""),)


def test_a_user_is_created_updated_and_deleted(admin: Administrator) -> None:
    made = admin("POST", "/users", {"username": "Rita@example.com", "password": "correct horse battery"})
    assert (made.status, made.json["username"], made.json["role"]) == (201, "rita@example.com", "User")
    assert made.json["has_password"]
    assert made.header("etag") == f'"{made.json["version"]}"'
    assert admin("POST", "/users", {"username": "rita@example.com"}).status == 409

    changed = admin("PATCH", "/users/rita@example.com", {"role": "Administrator"}, tag(made))
    assert (changed.status, changed.json["role"]) == (200, "Administrator")
    assert admin("PATCH", "/users/rita@example.com", {"role": "User"}, tag(made)).status == 412
    assert admin("PATCH", "/users/rita@example.com", {"role": "User"}).status == 428
    again = admin("PUT", "/users/rita@example.com/password", {"password": "another horse battery"}, ANY)
    assert again.status == 200

    assert admin("DELETE", f"/users/{made.json['id']}", headers=tag(again)).status == 409
    # Another Administrator with a password must remain.
    admin("PUT", f"/users/{ADMIN}/password", {"password": "a password of its own"}, ANY)
    assert admin("DELETE", f"/users/{made.json['id']}", headers=tag(again)).status == 204
    assert admin("GET", "/users/rita@example.com").status == 404
    assert "horse" not in str(admin("GET", "/audit").json)


def test_a_disabled_user_is_refused_at_the_next_request(world: World, admin: Administrator) -> None:
    assert world.client().get(f"{ROOT}/me", world.tokens[DANA]).status == 200

    assert admin("PATCH", f"/users/{DANA}", {"disabled": True}, ANY).json["disabled"]

    assert world.client().get(f"{ROOT}/me", world.tokens[DANA]).status == 401


def test_users_are_searched_and_paged(admin: Administrator) -> None:
    first = admin("GET", "/users", query="limit=2").json
    second = admin("GET", "/users", query=f"limit=2&cursor={first['next_cursor']}").json

    assert [user["username"] for user in first["users"] + second["users"]] == [ADMIN, DANA, NOOR]
    assert second["next_cursor"] is None
    assert [user["username"] for user in admin("GET", "/users", query="search=DANA").json["users"]] == [DANA]
    matches = admin("GET", "/users", query="role=Administrator&sort=created&descending=true").json["users"]
    assert [user["username"] for user in matches] == [ADMIN]
    for query in ("limit=0", "sort=colour", "cursor=x", "role=root", "colour=red"):
        assert admin("GET", "/users", query=query).status == 422


def test_the_last_administrator_cannot_be_removed(quick_admin: Administrator) -> None:
    for answer in (
        quick_admin("DELETE", f"/users/{ADMIN}", headers=ANY),
        quick_admin("PATCH", f"/users/{ADMIN}", {"role": "User"}, ANY),
        quick_admin("PATCH", f"/users/{ADMIN}", {"disabled": True}, ANY),
    ):
        assert (answer.status, answer.json["code"]) == (409, "last_administrator")


def test_an_import_of_users_is_checked_and_then_made(quick_admin: Administrator) -> None:
    table = "username,tenants\nrita@example.com,dev01\n"

    tried = quick_admin("POST", "/user-imports", {"csv": table})
    assert not tried.json["done"]
    assert tried.json["lines"][0] | {"username": "rita@example.com", "new": True} == tried.json["lines"][0]
    assert quick_admin("GET", "/users/rita@example.com").status == 404

    assert quick_admin("POST", "/user-imports", {"csv": table, "dry_run": False}).json["done"]
    (membership,) = quick_admin("GET", "/users/rita@example.com/memberships").json["memberships"]
    assert (membership["tenant"], membership["access"]) == ("dev01", "full")


def test_a_tenant_is_created_updated_and_deleted(admin: Administrator) -> None:
    made = admin("POST", "/tenants", {"name": "team01", "region": "eu-central-1"})
    assert made.status == 201
    assert made.json["role_arn"].endswith(":role/duploservices-team01")
    assert admin("POST", "/tenants", {"name": "team01-a", "region": "eu-central-1"}).status == 422

    moved = admin("PATCH", "/tenants/team01", {"region": "eu-west-1"}, tag(made))
    assert moved.json["region"] == "eu-west-1"
    assert admin("GET", "/tenants/team01").header("etag") == moved.header("etag")
    assert admin("DELETE", "/tenants/team01", headers=tag(made)).status == 412
    assert admin("DELETE", "/tenants/team01", headers=tag(moved)).status == 204
    assert admin("GET", "/tenants/team01").json["code"] == "tenant_not_found"


def test_a_member_reads_a_tenant_without_its_role(world: World, client: Client) -> None:
    seen = client.get(f"{ROOT}/tenants/dev01", world.tokens[DANA])

    assert (seen.json["name"], seen.json["access"]) == ("dev01", "full")
    assert set(seen.json) == {"id", "name", "region", "access", "permission_set"}
    assert seen.header("etag") is None


def test_a_new_tenant_reports_whether_the_portal_can_assume_its_role(
    world: World, admin: Administrator
) -> None:
    body = {"name": "team01", "region": "eu-central-1"}
    sentence, patch = "The trust policy is wrong: it asks for another ExternalId.", "aws iam mend it"
    wrong = Finding("trust", Level.ERROR, "team01", sentence, patch)
    world.doctor.findings = [wrong, Finding("tag", Level.WARNING, "team01", "No tag.", "aws iam tag-role")]

    made = admin("POST", "/tenants", body)
    moved = admin("PATCH", "/tenants/team01", {"region": "eu-west-1"}, tag(made))
    world.doctor.findings = [Finding("unreadable", Level.WARNING, "team01", "AWS does not answer.")]
    unknown = admin("PATCH", "/tenants/team01", {"external_id": "another"}, tag(moved))
    world.doctor.findings = []
    well = admin("PATCH", "/tenants/team01", {"external_id": "a-third"}, tag(unknown))

    assert (made.status, made.json["can_issue"]) == (201, False)
    assert made.json["role_obstacles"] == [{"sentence": sentence, "patch": patch}]
    assert "can_issue" not in moved.json
    assert unknown.json["can_issue"] is None
    assert (well.json["can_issue"], well.json["role_obstacles"]) == (True, [])
    assert "can_issue" not in admin("GET", "/tenants/team01").json


def test_the_list_of_tenants_is_paginated(world: World, client: Client) -> None:
    first = client.get(f"{ROOT}/tenants", world.tokens[DANA], query="limit=1").json
    second = client.get(
        f"{ROOT}/tenants", world.tokens[DANA], query=f"limit=1&cursor={first['next_cursor']}"
    ).json

    assert [one["name"] for page in (first, second) for one in page["tenants"]] == ["dev01", "prod01"]
    assert second["next_cursor"] is None
    matches = client.get(f"{ROOT}/tenants", world.tokens[ADMIN], query="search=data").json["tenants"]
    assert [one["name"] for one in matches] == ["data01"]


def test_a_membership_is_created_updated_and_removed(world: World, admin: Administrator) -> None:
    path = f"/tenants/data01/members/{NOOR}"
    assert admin("PUT", path, {"access": "read-only"}).status == 428
    made = admin("PUT", path, {"access": "read-only"}, NEW)
    assert (made.status, made.json["access"]) == (200, "read-only")
    assert admin("PUT", path, {"access": "full"}, NEW).status == 412
    more = admin("PUT", path, {"access": "full"}, tag(made))
    assert more.json["access"] == "full"
    assert client_sees(world, NOOR) == ["data01"]

    assert admin("DELETE", path, headers=tag(made)).status == 412
    assert admin("DELETE", path, headers=tag(more)).status == 204
    assert client_sees(world, NOOR) == []
    assert admin("GET", path).json["code"] == "membership_not_found"
    assert [one["username"] for one in admin("GET", "/tenants/dev01/members").json["memberships"]] == [DANA]
    assert len(admin("GET", "/memberships").json["memberships"]) == 2


def client_sees(world: World, username: str) -> list[str]:
    answer = world.client().get(f"{ROOT}/tenants", world.tokens[username])
    return [one["name"] for one in answer.json["tenants"]]


def test_a_setting_is_created_updated_and_deleted(world: World, admin: Administrator) -> None:
    path = f"/tenants/dev01/settings/{TENANT_VALIDITY.key}"
    made = admin("PUT", path, {"value": "7200"}, NEW)
    assert (made.json["value"], made.json["changed_by"], made.json["in_force"]) == ("7200", ADMIN, True)
    keys = world.client().post(f"{ROOT}/sessions", world.tokens[DANA], {"tenant": "dev01"})
    assert keys.json["validity"] == 7200

    listed = admin("GET", "/tenants/dev01/settings").json
    assert [one["key"] for one in listed["settings"]] == [TENANT_VALIDITY.key]
    assert TENANT_VALIDITY.label in [one["label"] for one in listed["known"]]
    assert len(admin("GET", "/tenant-settings").json["settings"]) == 1
    assert admin("PUT", path, {"value": "899"}, ANY).status == 422
    assert admin("DELETE", path, headers=tag(made)).status == 204
    assert admin("GET", path).status == 404


def test_members_of_a_tenant_are_searched_and_paged(world: World, admin: Administrator) -> None:
    everyone = "/tenants/dev01/members"
    for name in (NOOR, ADMIN):
        assert admin("PUT", f"{everyone}/{name}", {"access": "full"}, NEW).status == 200

    def named(query: str) -> list[str]:
        return [one["username"] for one in admin("GET", everyone, query=query).json["memberships"]]

    assert named("search=N%40EX") == [ADMIN]
    assert named("search=nobody") == []
    first = admin("GET", everyone, query="search=n&limit=2").json
    assert [one["username"] for one in first["memberships"]] == [ADMIN, DANA]
    assert named(f"search=n&limit=2&cursor={first['next_cursor']}") == [NOOR]
    assert admin("GET", everyone, query="search=%00").status == 422
    assert world.client().get(f"{ROOT}{everyone}", world.tokens[DANA], query="search=n").status == 403


def test_a_metadata_entry_is_created_updated_and_deleted(quick_admin: Administrator) -> None:
    path, requested = "/tenants/dev01/metadata/links/board", {"kind": "url", "value": "https://a.example"}
    made = quick_admin("PUT", path, requested, NEW)
    assert (made.json["key"], made.json["kind"], made.json["changed_by"]) == ("links/board", "url", ADMIN)

    assert quick_admin("PUT", path, {"value": "none"}, NEW).status == 412
    changed = quick_admin("PUT", path, {"value": "none"}, tag(made))
    assert (changed.json["kind"], changed.json["value"]) == ("text", "none")
    assert quick_admin("GET", "/tenants/dev01/metadata").json["metadata"] == [changed.json]
    assert quick_admin("GET", "/tenants/data01/metadata").json["metadata"] == []
    other = quick_admin("PUT", "/tenants/data01/metadata/owner", {"value": "team blue"}, NEW)
    first = quick_admin("GET", "/tenant-metadata", query="limit=1").json
    last = quick_admin("GET", "/tenant-metadata", query=f"cursor={first['next_cursor']}").json
    assert [one["tenant"] for one in first["metadata"] + last["metadata"]] == ["dev01", "data01"]
    assert (last["metadata"], last["next_cursor"]) == ([other.json], None)
    assert quick_admin("DELETE", path, headers=tag(made)).status == 412
    assert quick_admin("DELETE", path, headers=tag(changed)).status == 204
    assert quick_admin("GET", path).status == 404


@pytest.mark.parametrize(
    "collection", ["/tenants/dev01/metadata", "/tenants/dev01/settings", "/settings/AppConfig"]
)
@pytest.mark.parametrize("key", ["%2Fboard", "links%2F%2Fboard"])
def test_a_key_that_begins_with_a_slash_is_refused(
    quick_world: World, quick_admin: Administrator, collection: str, key: str
) -> None:
    answer = quick_world.client().send(
        "PUT",
        f"/api/v1{collection}/{key}",
        quick_world.tokens[ADMIN],
        body=b'{"value": "x"}',
        headers=NEW,
        is_quoted=True,
    )

    assert (answer.status, "does not begin with a slash" in answer.json["detail"]) == (422, True)
    assert [] in quick_admin("GET", collection.removesuffix("/AppConfig")).json.values()


def test_the_key_of_a_system_setting_may_contain_slashes(quick_admin: Administrator) -> None:
    path = "/settings/AppConfig/some/legacy/key"

    assert quick_admin("PUT", path, {"value": "x"}, NEW).json["key"] == "some/legacy/key"
    assert quick_admin("GET", path).json["label"] is None
    (listed,) = quick_admin("GET", "/settings").json["settings"]
    assert not listed["in_force"]
    assert quick_admin("DELETE", path, headers=ANY).status == 204


def test_a_token_for_another_user_is_shown_once_and_revoked(world: World, admin: Administrator) -> None:
    made = admin("POST", "/tokens", {"user": DANA, "name": "ci", "days": 30})
    assert made.status == 201
    token = made.json["token"]
    assert world.client().get(f"{ROOT}/me", token).json["user"]["username"] == DANA

    listed = admin("GET", "/tokens", query=f"user={DANA}&kind=permanent")
    assert made.json["id"] in [one["id"] for one in listed.json["tokens"]]
    assert token not in listed.body.decode()
    assert admin("DELETE", f"/tokens/{made.json['id']}").status == 204
    assert admin("DELETE", f"/tokens/{made.json['id']}").status == 204
    assert world.client().get(f"{ROOT}/me", token).status == 401
    assert admin("DELETE", "/tokens/none").status == 404


def test_sessions_audit_events_and_overview_can_be_read(world: World, admin: Administrator) -> None:
    world.client().post(f"{ROOT}/sessions", world.tokens[DANA], {"tenant": "dev01"})
    world.clock.move(timedelta(seconds=1))
    world.client().post(f"{ROOT}/sessions", world.tokens[NOOR], {"tenant": "dev01"})

    sessions = admin("GET", "/sessions/all").json["sessions"]
    assert [(one["username"], one["state"]) for one in sessions] == [(NOOR, "denied"), (DANA, "issued")]
    assert len(admin("GET", "/sessions/all", query=f"user={DANA}&live=true").json["sessions"]) == 1
    matches = admin("GET", "/audit", query="action=session.issue&tenant=dev01&limit=1").json
    assert matches["next_cursor"]
    event = matches["events"][0]
    assert admin("GET", f"/audit/{event['id']}").json == event
    assert admin("GET", "/audit/none-1").status == 404
    overview = admin("GET", "/overview").json
    assert (overview["live"], overview["live_by_user"]) == (1, {DANA: 1})
    assert overview["refusals"] == {"tenant_not_found": 1}
    for query in ("since=yesterday", "since=2026-01-01T00:00:00", "since=0001-01-01T00:00:00%2B14:00"):
        assert admin("GET", "/audit", query=query).status == 422


def test_a_temporary_token_cannot_make_changes_that_need_reauthentication(quick_world: World) -> None:
    revealed, _ = quick_world.token(ADMIN, TokenKind.TEMPORARY)
    body = json.dumps({"role": "Administrator"}).encode()

    answer = quick_world.client().send("PATCH", f"{ROOT}/users/{DANA}", revealed, body=body, headers=ANY)

    assert (answer.status, answer.json["code"]) == (403, "fresh_sign_in_needed")


def test_the_role_of_another_tenant_is_refused(quick_admin: Administrator) -> None:
    requested = {"name": "team01", "region": "eu-west-1", "role_arn": DEV.target.role_arn}

    assert quick_admin("POST", "/tenants", requested).status == 422
