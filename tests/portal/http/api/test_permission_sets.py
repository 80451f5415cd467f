"""The API calls about permission sets, and the sets of memberships and sessions."""

from datetime import timedelta

import pytest

from tests.portal.http.api.test_administration import ANY, NEW, Administrator, tag
from tests.portal.http.world import ADMIN, DANA, DEV, NOOR, World

DENY = {"Effect": "Deny", "Action": ["lambda:UpdateFunctionCode"], "Resource": "*"}
OPERATOR = {"description": "Runs no code.", "rank": 500, "denies": [DENY]}
SESSIONS = "/api/v1/sessions"
MEMBER = f"/tenants/{DEV.name}/members/{DANA}"


@pytest.fixture
def admin(quick_world: World) -> Administrator:
    return Administrator(quick_world)


@pytest.fixture
def operated(quick_world: World) -> World:
    """A portal in which Dana is an operator in dev01."""
    admin = Administrator(quick_world)
    assert admin("PUT", "/permission-sets/operator", OPERATOR, NEW).status == 200
    assert admin("PUT", MEMBER, {"permission_set": "operator"}, ANY).status == 200
    return quick_world


@pytest.fixture
def operator(operated: World) -> Administrator:
    """A client of an Administrator of that portal."""
    return Administrator(operated)


def test_a_set_is_created_listed_changed_and_deleted(admin: Administrator) -> None:
    made = admin("PUT", "/permission-sets/operator", OPERATOR, NEW)
    assert (made.status, made.json["kind"], made.json["members"]) == (200, "custom", 0)
    assert (made.json["denies"], made.json["policies"]) == ([DENY], [])
    assert made.header("etag") == f'"{made.json["version"]}"'

    listed = admin("GET", "/permission-sets").json["permission_sets"]
    assert [(one["name"], one["rank"], one["kind"]) for one in listed] == [
        ("full", 1000, "built-in"),
        ("operator", 500, "custom"),
        ("read-only", 0, "built-in"),
    ]
    changed = admin(
        "PUT", "/permission-sets/operator", {**OPERATOR, "policies": ["aws:ReadOnlyAccess"]}, tag(made)
    )
    assert (changed.status, changed.json["policies"]) == (200, ["aws:ReadOnlyAccess"])
    assert admin("PUT", "/permission-sets/operator", OPERATOR, tag(made)).status == 412
    assert admin("PUT", "/permission-sets/operator", OPERATOR).status == 428
    assert admin("DELETE", "/permission-sets/operator", headers=tag(changed)).status == 204
    gone = admin("GET", "/permission-sets/operator")
    assert (gone.status, gone.json["code"]) == (404, "permission_set_not_found")


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("full", OPERATOR, "built-in"),
        ("Operator", OPERATOR, "lower-case"),
        ("operator", {**OPERATOR, "rank": 1000}, "rank"),
        ("operator", {**OPERATOR, "own_role": True}, "has no policies and no Deny statements"),
        ("a-name-of-20-letters", {"rank": 500, "own_role": True}, "at most 19 characters"),
        ("operator", {"rank": 500}, "needs a policy or a Deny statement"),
        ("operator", {**OPERATOR, "denies": [{**DENY, "Effect": "Allow"}]}, "Deny statement 1"),
        ("operator", {**OPERATOR, "policies": ["no policy"]}, "is not a managed policy"),
        ("operator", {**OPERATOR, "denies": [{**DENY, "Action": "s3:GetObjcet"}]}, "AWS has no action"),
    ],
)
def test_an_invalid_set_is_refused_with_the_reason(
    admin: Administrator, name: str, body: object, reason: str
) -> None:
    refused = admin("PUT", f"/permission-sets/{name}", body, NEW)

    assert refused.status == 422
    assert reason in refused.json["detail"]


def test_a_set_has_a_role_of_its_own_until_it_is_written_without(admin: Administrator) -> None:
    made = admin("PUT", "/permission-sets/analyst", {"rank": 500, "own_role": True}, NEW)
    assert (made.status, made.json["own_role"], made.json["denies"]) == (200, True, [])
    assert [one["own_role"] for one in admin("GET", "/permission-sets").json["permission_sets"]] == [
        False,
        True,
        False,
    ]

    # A client that does not know the field cannot make the set one that takes nothing away.
    refused = admin("PUT", "/permission-sets/analyst", {"rank": 400}, tag(made))
    assert (refused.status, "needs a policy or a Deny statement" in refused.json["detail"]) == (422, True)
    assert admin("GET", "/permission-sets/analyst").json == made.json
    changed = admin("PUT", "/permission-sets/analyst", OPERATOR, tag(made))
    assert (changed.status, changed.json["own_role"]) == (200, False)
    assert admin("PUT", "/permission-sets/analyst", OPERATOR, tag(made)).status == 412


def test_the_suggestions_can_be_created_as_they_are(admin: Administrator) -> None:
    for each in admin("GET", "/permission-set-templates").json["templates"]:
        content = {key: each[key] for key in ("description", "rank", "policies", "denies")}
        made = admin("PUT", f"/permission-sets/{each['name']}", content, NEW)
        assert (made.status, made.json["denies"]) == (200, each["denies"])


def test_a_membership_shows_its_set_and_an_access_for_older_clients(operator: Administrator) -> None:
    shown = operator("GET", MEMBER)

    assert (shown.json["permission_set"], shown.json["access"]) == ("operator", "read-only")
    refused = operator("DELETE", "/permission-sets/operator", headers=ANY)
    assert (refused.status, refused.json["code"]) == (409, "permission_set_in_use")
    older = operator("PUT", MEMBER, {"access": "full"}, tag(shown))
    assert (older.json["permission_set"], older.json["access"]) == ("full", "full")
    both = operator("PUT", MEMBER, {"access": "full", "permission_set": "operator"}, ANY)
    assert (both.status, both.json["code"]) == (422, "invalid_request")
    unknown = operator("PUT", MEMBER, {"permission_set": "nothing"}, ANY)
    assert (unknown.status, unknown.json["code"]) == (404, "permission_set_not_found")
    assert operator("PUT", f"/tenants/{DEV.name}/members/{NOOR}", {}, NEW).json["access"] == "full"


def test_a_session_has_the_set_of_the_membership_or_the_requested_one(operated: World) -> None:
    world, client = operated, operated.client()
    own = client.post(SESSIONS, world.tokens[DANA], {"tenant": "dev01"})
    assert (own.status, own.json["permission_set"], own.json["access"]) == (201, "operator", "read-only")
    assert world.broker.assumed[-1][0].permission_set.name == "operator"

    narrowed = client.post(SESSIONS, world.tokens[ADMIN], {"tenant": "dev01", "permission_set": "operator"})
    assert (narrowed.status, narrowed.json["permission_set"]) == (201, "operator")
    refused = client.post(SESSIONS, world.tokens[DANA], {"tenant": "dev01", "permission_set": "full"})
    assert (refused.status, refused.json["code"]) == (403, "access_denied")
    assert "You have operator." in refused.json["detail"]
    unknown = client.post(SESSIONS, world.tokens[ADMIN], {"tenant": "dev01", "permission_set": "nothing"})
    assert (unknown.status, unknown.json["code"]) == (404, "permission_set_not_found")
    recorded = client.get(SESSIONS, world.tokens[DANA]).json["sessions"]
    # Both were asked for at the same time.
    assert {one["permission_set"] for one in recorded} == {None, "operator"}


def test_the_api_and_the_legacy_api_give_sessions_of_a_set_s_own_role(quick_world: World) -> None:
    world, admin, client = quick_world, Administrator(quick_world), quick_world.client()
    role = DEV.target.role_arn.replace("duploservices-dev01", "daypass-set-dev01.analyst")
    assert admin("PUT", "/permission-sets/analyst", {"rank": 500, "own_role": True}, NEW).status == 200
    assert admin("PUT", MEMBER, {"permission_set": "analyst"}, ANY).status == 200

    own = client.post(SESSIONS, world.tokens[DANA], {"tenant": "dev01"})
    legacy = client.get(f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl", world.tokens[DANA])
    resources = client.get("/api/v1/tenants/dev01/resources", world.tokens[DANA])
    world.broker.set_role_problem = "The role has no boundary."
    world.clock.move(timedelta(minutes=5))
    refused = client.post(SESSIONS, world.tokens[DANA], {"tenant": "dev01"})

    assert (own.status, own.json["role_arn"], own.json["permission_set"]) == (201, role, "analyst")
    assert (legacy.status, resources.status) == (200, 200)
    # The portal's own search is of the tenant's role, and narrowed to the search.
    assert [each.role_arn for each, _ in world.broker.assumed] == [role, role, DEV.target.role_arn]
    assert (refused.status, refused.json["code"]) == (502, "aws_policy")
    assert "The role of the permission set “analyst” in “dev01” failed its check" in refused.json["detail"]
    recorded = client.get(SESSIONS, world.tokens[DANA]).json["sessions"]
    assert [(one["role_arn"], one["state"]) for one in recorded] == [
        (role, "denied"),
        (role, "issued"),
        (role, "issued"),
    ]


def test_users_see_their_own_set_and_those_that_they_can_request(operated: World) -> None:
    world, client = operated, operated.client()

    def requestable(username: str, tenant: str) -> list[str]:
        answer = client.get(f"/api/v1/tenants/{tenant}/permission-sets", world.tokens[username])
        return [one["name"] for one in answer.json["permission_sets"]]

    shown = client.get("/api/v1/tenants/dev01", world.tokens[DANA]).json

    assert (shown["permission_set"], shown["access"]) == ("operator", "read-only")
    assert requestable(DANA, "dev01") == ["operator"]
    assert requestable(DANA, "prod01") == ["read-only"]
    assert requestable(ADMIN, "prod01") == ["full", "operator", "read-only"]
    foreign = client.get("/api/v1/tenants/data01/permission-sets", world.tokens[DANA])
    unknown = client.get("/api/v1/tenants/none/permission-sets", world.tokens[DANA])
    assert (foreign.status, unknown.status) == (404, 404)
    assert client.get("/api/v1/permission-sets", world.tokens[DANA]).status == 403
