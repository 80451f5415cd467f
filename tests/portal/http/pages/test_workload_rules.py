"""The pages about workload rules: the list, one rule, and the form of each kind of issuer."""

import re
from dataclasses import replace

import pytest

from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.issuers.table import KINDS
from tests.portal.http.pages.test_administrator import Browser, alert, field_error, sign_in, text
from tests.portal.http.workload_rules import changed, rule_of, stored, workload_token
from tests.portal.http.world import ADMIN, DANA, World

RULES, ADD, DELETE = (
    f"/administrator/{name}" for name in ("workload-rules", "add-workload-rule", "delete-workload-rule")
)
SHOP = {
    "kind": "github",
    "name": "shop",
    "service_account": DANA,
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "https://portal.example.com",
    "claim repository_id": "4711",
    "claim repository_owner_id": "42",
    "claim environment": "production",
    "claim ref": "",
    "more_claims": "workflow = deploy\r\n",
    "tenants": "dev01 = read-only\r\n\r\nprod01",
    "tags": "repo = repository",
    "token_lifetime": "30",
    "session_limit": "90m",
}


@pytest.fixture
def admin(quick_world: World) -> Browser:
    return sign_in(quick_world, ADMIN)


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_rule_is_created_shown_changed_disabled_and_deleted(admin: Browser) -> None:
    assert "No workload rules" in admin.see(RULES)
    assert admin.do(ADD, **SHOP).startswith(f"{RULES}/shop")

    page = admin.see(f"{RULES}/shop")
    for shown in ("4711", "production", "deploy", "dev01", "prod01", "read-only", "daypass:claim:repo"):
        assert shown in page
    assert "lives 30 minutes" in page
    assert "up to 90 minutes" in page
    assert "shop" in admin.see(RULES)

    form = admin.see(f"{RULES}/shop/edit")
    for shown in ("workflow = deploy", "dev01 = read-only\nprod01 = full", "repo = repository", "1h30m"):
        assert shown in form
    changed = {**SHOP, "version": version_in(form), "tenants": "dev01"}
    admin.do(f"{RULES}/shop/edit", **changed)
    stale = admin.send(f"{RULES}/shop/edit", **changed)
    assert (stale.status, "was changed" in text(stale)) == (412, True)
    admin.do(f"{RULES}/shop/disable", state="disabled")
    assert "Disabled" in admin.see(RULES)
    admin.do(f"{RULES}/shop/disable", state="enabled")

    assert admin.do(DELETE, name="shop").startswith(RULES)
    assert admin.send(DELETE, name="shop").status == 404


@pytest.mark.parametrize(
    ("change", "status", "field", "why"),
    [
        ({"name": "Shop!"}, 422, "name", "lower-case letters"),
        ({"issuer": "http://issuer.example.com"}, 422, "issuer", "https:// URL"),
        ({"audience": "sts.amazonaws.com"}, 422, "audience", "other services too"),
        ({"claim repository_id": "acme/shop"}, 422, "claim-1", "unexpected form"),
        ({"claim repository_id": ""}, 422, "claim-1", "must demand"),
        ({"service_account": ADMIN}, 422, "service_account", "is an Administrator"),
        ({"service_account": "nobody"}, 404, "service_account", "no such user"),
        ({"tenants": "data01"}, 422, "tenants", "not a member"),
        ({"tenants": "none"}, 404, "tenants", "no tenant"),
        ({"tenants": "dev01 = none"}, 404, "tenants", "permission set"),
        ({"tenants": "dev01\ndev01"}, 422, "tenants", "same name"),
        ({"more_claims": "workflow"}, 422, "more_claims", "line 1 has the form NAME = VALUE"),
        ({"more_claims": "workflow = *"}, 422, "more_claims", "wildcard"),
        ({"claim environment": ""}, 422, "more_claims", "Demand an environment, or a protected ref"),
        ({"session_limit": "1 day"}, 422, "session_limit", "whole numbers"),
        ({"token_lifetime": "5"}, 422, "token_lifetime", "Choose how long"),
        ({"tags": "x y = repository"}, 422, "tags", "64 letters, digits"),
    ],
)
def test_a_rule_that_is_refused_shows_the_reason_and_keeps_the_fields(
    admin: Browser, change: dict[str, str], status: int, field: str, why: str
) -> None:
    answer = admin.send(ADD, **{**SHOP, **change})

    assert (answer.status, why in field_error(answer, field)) == (status, True), text(answer)
    assert "workflow" in text(answer)


def test_an_error_of_a_field_that_the_form_does_not_show_is_at_its_top(admin: Browser) -> None:
    answer = admin.send(ADD, **{**SHOP, "jwks": "{}"})

    assert (answer.status, "fetched from the issuer" in alert(answer)) == (422, True)


def test_a_name_that_is_taken_replaces_nothing(admin: Browser) -> None:
    admin.do(ADD, **SHOP)
    answer = admin.send(ADD, **{**SHOP, "tenants": ""})
    assert (answer.status, "exists already" in field_error(answer, "name")) == (412, True)


def test_the_form_of_each_kind_asks_for_its_claims(admin: Browser) -> None:
    for kind in IssuerKind:
        form = admin.see(f"{ADD}?kind={kind.value}")
        assert KINDS[kind].label in form
        for field in KINDS[kind].fields:
            assert f'name="claim {field.claim}"' in form
        assert ('name="jwks"' in form) == KINDS[kind].takes_keys


def test_a_rule_that_is_disabled_on_its_page_ends_its_tokens(admin: Browser, quick_world: World) -> None:
    token = workload_token(quick_world, name="jobs")
    assert quick_world.client().get("/api/v1/me", token).status == 200

    admin.do(f"{RULES}/jobs/disable", state="disabled")

    assert quick_world.client().get("/api/v1/me", token).status == 401


def test_an_issuer_that_the_operator_no_longer_allows_is_shown_and_not_enabled(
    admin: Browser, quick_world: World
) -> None:
    rule = stored(quick_world, rule_of(quick_world, "https://git.example.com"))

    assert "Issuer not allowed" in admin.see(RULES)
    assert "The issuer is not allowed by the operator" in admin.see(f"{RULES}/shop")
    admin.do(f"{RULES}/shop/disable", state="disabled")
    refused = admin.send(f"{RULES}/shop/disable", state="enabled")

    assert refused.status == 422
    assert "DAYPASS_WORKLOAD_ISSUERS" in text(refused)
    changed(
        quick_world, replace(rule, is_disabled=True), issuer="https://token.actions.githubusercontent.com"
    )
    assert "not allowed" not in admin.see(f"{RULES}/shop")
    admin.do(f"{RULES}/shop/disable", state="enabled")
