"""Workload rules over the API: what is refused, and that tokens end with every change of their rule."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes import FakeClock
from tests.fixtures.ci_issuer import GITHUB_JOB, ci_issuer
from tests.portal.http.client import Answer
from tests.portal.http.oauth.test_token_exchange import access_token, exchange, session
from tests.portal.http.workload_rules import rule_of, stored, workload_token
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PROD, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

NEW = ("If-None-Match", "*")
CLAIMS = {name: GITHUB_JOB[name] for name in ("repository_id", "repository_owner_id", "ref", "ref_protected")}
RULE: Mapping[str, Any] = {
    "kind": "github",
    "claims": CLAIMS,
    "service_account": DANA,
    "tenants": {DEV.name: "read-only", PROD.name: "full"},
    "session_tags": {"repository": "repository"},
}


def put(world: World, rule: Mapping[str, Any], *headers: tuple[str, str], name: str = "shop") -> Answer:
    body, given = json.dumps(rule).encode(), list(headers or [("If-Match", "*")])
    path = f"/api/v1/workload-rules/{name}"
    return world.client().send("PUT", path, world.tokens[ADMIN], body=body, headers=given)


def test_a_rule_is_created_read_changed_and_deleted(quick_world: World) -> None:
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]

    made = put(quick_world, RULE, NEW)

    assert made.status == 200, made.body
    assert made.json["issuer"] == "https://token.actions.githubusercontent.com"
    assert (made.json["audience"], made.json["token_lifetime"], made.json["session_limit"]) == (
        PUBLIC_URL,
        900,
        3600,
    )
    assert made.json["tenants"] == RULE["tenants"]
    assert made.header("etag") == f'"{made.json["version"]}"'
    assert client.get("/api/v1/workload-rules/shop", admin).json == made.json
    assert client.get("/api/v1/workload-rules", admin).json["workload_rules"] == [made.json]
    assert put(quick_world, RULE, NEW).status == 412
    assert put(quick_world, RULE, ("If-Match", '"old"')).status == 412
    assert put(quick_world, RULE, ("If-Match", made.header("etag") or "")).json == made.json
    changed = put(quick_world, {**RULE, "session_limit": 7200}, ("If-Match", made.header("etag") or ""))
    assert (changed.json["id"], changed.json["session_limit"]) == (made.json["id"], 7200)
    assert changed.header("etag") != made.header("etag")
    path, match = "/api/v1/workload-rules/shop", [("If-Match", changed.header("etag") or "")]
    assert client.send("DELETE", path, admin, headers=match).status == 204
    assert client.get("/api/v1/workload-rules/shop", admin).json["code"] == "workload_rule_not_found"


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"service_account": ADMIN}, 422, "is an Administrator"),
        ({"service_account": "nobody"}, 404, "no such user"),
        ({"tenants": {DATA.name: "read-only"}}, 422, "not a member of “data01”"),
        ({"tenants": {"nothing": "full"}}, 404, "nothing"),
        ({"tenants": {DEV.name: "nothing"}}, 404, "permission set"),
        ({"tenants": {DEV.name: "full", DEV.id: "full"}}, 422, "twice"),
        ({"claims": {"sub": "repo:acme/shop:ref:refs/heads/main"}}, 422, "repository_id"),
        ({"issuer": "https://ci.example.com"}, 422, "DAYPASS_WORKLOAD_ISSUERS"),
        ({"audience": "https://github.com/acme"}, 422, "other services"),
        ({"kind": "jenkins"}, 422, "kind"),
        ({"token_lifetime": 60}, 422, "token_lifetime"),
    ],
)
def test_a_rule_is_refused_with_the_reason(
    quick_world: World, change: Mapping[str, object], status: int, why: str
) -> None:
    answer = put(quick_world, {**RULE, **change}, NEW)

    assert (answer.status, why in answer.json["detail"]) == (status, True), answer.body
    assert quick_world.client().get("/api/v1/workload-rules/shop", quick_world.tokens[ADMIN]).status == 404


def test_a_set_that_the_membership_does_not_give_is_refused(quick_world: World) -> None:
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]
    body = b'{"rank": 500, "policies": ["aws:ReadOnlyAccess"]}'
    client.send("PUT", "/api/v1/permission-sets/operator", admin, body=body, headers=[NEW])

    # Dana has full access to dev01, which gives every set, and read-only to prod01, which gives no other.
    assert put(quick_world, {**RULE, "tenants": {DEV.name: "operator"}}, NEW).status == 200
    refused = put(quick_world, {**RULE, "tenants": {PROD.name: "operator"}}, NEW, name="other")
    assert (refused.status, "only narrows" in refused.json["detail"]) == (422, True)


def test_a_rule_is_replaced_by_its_id_too(quick_world: World) -> None:
    rule_id = put(quick_world, RULE, NEW).json["id"]
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]
    before = client.get("/api/v1/audit", admin, query="action=workload_rule.put").json["events"]

    same = put(quick_world, RULE, name=rule_id)

    assert (same.status, same.json["name"], same.json["id"]) == (200, "shop", rule_id), same.body
    after = client.get("/api/v1/audit", admin, query="action=workload_rule.put").json["events"]
    assert (len(before), after) == (1, before), "Nothing changed, so no token must end."


@pytest.mark.parametrize("change", [{"session_limit": 7200}, {"disabled": True}, {"tenants": {}}, None])
def test_tokens_end_when_their_rule_is_changed_disabled_or_deleted(
    sqlite_url: str, change: Mapping[str, object] | None
) -> None:
    clock = FakeClock()
    with ci_issuer(clock) as issuer, make_world(sqlite_url, workload_issuers=(issuer.url,)) as world:
        rule = {**RULE, "issuer": issuer.url}
        assert put(world, rule, NEW).status == 200
        assert put(world, {**rule, "service_account": NOOR, "tenants": {}}, NEW, name="other").status == 200
        token, other = (
            access_token(exchange(world, issuer.mint(PUBLIC_URL), audience=name))
            for name in ("shop", "other")
        )
        assert session(world, token).status == 201

        if change is None:
            path, admin = "/api/v1/workload-rules/shop", world.tokens[ADMIN]
            assert world.client().send("DELETE", path, admin, headers=[("If-Match", "*")]).status == 204
        else:
            assert put(world, {**rule, **change}).status == 200

        assert session(world, token).status == 401
        assert world.client().get("/api/v1/me", token).status == 401
        assert world.client().get("/api/v1/me", other).status == 200, "Another rule's token goes on."


def test_an_account_that_is_disabled_or_deleted_takes_its_tokens_with_it(quick_world: World) -> None:
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]
    for username, change in ((DANA, b'{"disabled": true}'), (NOOR, None)):
        token = workload_token(quick_world, username)
        assert client.get("/api/v1/me", token).status == 200
        method, path = "PATCH" if change else "DELETE", f"/api/v1/users/{username}"
        status = client.send(method, path, admin, body=change or b"", headers=[("If-Match", "*")]).status
        assert status in {200, 204}
        assert client.get("/api/v1/me", token).status == 401


def test_a_rule_whose_issuer_is_no_longer_allowed_can_be_disabled_and_not_enabled(quick_world: World) -> None:
    stored(quick_world, rule_of(quick_world, "https://git.example.com"))
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]
    listed = client.get("/api/v1/workload-rules/shop", admin).json
    rule = {name: listed[name] for name in listed if name not in {"id", "name", "version"}}

    enabled = put(quick_world, rule)
    disabled = put(quick_world, {**rule, "disabled": True})

    assert (enabled.status, "DAYPASS_WORKLOAD_ISSUERS" in enabled.json["detail"]) == (422, True)
    assert (disabled.status, disabled.json["disabled"]) == (200, True)
    assert put(quick_world, rule).status == 422
    assert put(quick_world, {**rule, "disabled": True, "session_limit": 900}).status == 422
