"""The tokens of identity providers that provision, over the API."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group
from daypass.portal.identity.provisioning.model import MOST_TOKENS, SCIM_PATH, Provisioner, WantedUser
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.tenants.model import GroupId
from tests.fakes import NOON
from tests.portal.http.client import Answer
from tests.portal.http.test_reauthentication import command_line
from tests.portal.http.world import ADMIN, DANA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world
from tests.portal.identity.external.conftest import events

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta", groups=GroupSource.SCIM)
CLAIMS = ProviderConfig("claims", "https://claims.example.com", "daypass", groups=GroupSource.CLAIM)
PROVIDERS = "/api/v1/scim-providers"
OF_OKTA = f"{PROVIDERS}/okta/tokens"


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with make_world(sqlite_url, providers=(OKTA, CLAIMS)) as new_world:
        yield new_world


def create(world: World, provider: str = "okta", token: str = "") -> Answer:
    path = f"{PROVIDERS}/{provider}/tokens"
    return world.client().send("POST", path, token or command_line(world), body=b"{}")


def listed(world: World) -> dict[str, Any]:
    """Return the only provider in the list."""
    (provider,) = world.client().get(PROVIDERS, world.tokens[ADMIN]).json["scim_providers"]
    return dict(provider)


def works(world: World, secret: str) -> bool:
    """Return whether the address of SCIM accepts a token."""
    return world.client().get(f"{SCIM_PATH}/ServiceProviderConfig", secret).status == 200


def test_an_administrator_creates_lists_and_revokes_tokens(world: World) -> None:
    made = create(world)

    assert made.status == 201, made.body
    secret = made.json["token"]
    assert secret.startswith("daypass_scim_")
    assert made.header("cache-control") == "no-store"
    assert works(world, secret)
    shown = listed(world)
    assert (shown["name"], shown["title"], shown["configured"]) == ("okta", "Okta", True)
    assert shown["base_url"] == f"{PUBLIC_URL}{SCIM_PATH}"
    (token,) = shown["tokens"]
    assert (token["id"], token["revoked_at"]) == (made.json["id"], None)
    assert token["last_used_at"] == shown["last_used_at"] == world.clock().isoformat()
    assert secret not in json.dumps(shown)

    for _ in range(2):
        path = f"{OF_OKTA}/{made.json['id']}"
        assert world.client().send("DELETE", path, world.tokens[ADMIN]).status == 204

    assert not works(world, secret)
    (token,) = listed(world)["tokens"]
    assert token["revoked_at"] == world.clock().isoformat()
    of_tokens = [event for event in events(world.database) if event[0].startswith("scim_token.")]
    created, revoked = of_tokens
    assert created[:3] == ("scim_token.create", "done", "okta")
    assert revoked[:3] == ("scim_token.revoke", "done", "okta")
    assert created[3]["new.token_id"] == revoked[3]["old.token_id"] == made.json["id"]
    assert secret not in json.dumps(of_tokens)


def test_a_third_valid_token_is_refused_until_one_is_revoked(world: World) -> None:
    first, second = create(world), create(world)

    refused = create(world)

    assert (refused.status, refused.json["code"]) == (409, "scim_token_limit")
    assert "Revoke the one" in refused.json["detail"]
    assert works(world, first.json["token"])
    assert works(world, second.json["token"])
    world.client().send("DELETE", f"{OF_OKTA}/{first.json['id']}", world.tokens[ADMIN])
    assert create(world).status == 201


def test_a_token_needs_a_recent_sign_in_and_an_exempt_token_is_none(world: World) -> None:
    old = command_line(world)
    world.clock.move(timedelta(minutes=5, seconds=1))

    for token in (old, world.tokens[ADMIN]):
        assert create(world, token=token).json["code"] == "fresh_sign_in_needed"

    assert listed(world)["tokens"] == []
    # In an incident, revoking must not wait.
    made = create(world)
    world.clock.move(timedelta(minutes=5, seconds=1))
    assert world.client().send("DELETE", f"{OF_OKTA}/{made.json['id']}", old).status == 204


@pytest.mark.parametrize("provider", ["claims", "nothing"])
def test_only_a_provider_that_provisions_gets_a_token(world: World, provider: str) -> None:
    answer = create(world, provider)

    assert (answer.status, answer.json["code"]) == (404, "scim_provider_not_found")


def test_a_token_is_revoked_by_its_own_provider_only(world: World) -> None:
    made = create(world)
    path = f"{PROVIDERS}/claims/tokens/{made.json['id']}"

    answer = world.client().send("DELETE", path, world.tokens[ADMIN])

    assert (answer.status, answer.json["code"]) == (404, "token_not_found")
    assert works(world, made.json["token"])


def test_the_list_counts_users_and_groups_of_the_provider(world: World) -> None:
    secret, client = create(world).json["token"], world.client()
    made = []
    for name in ("ann@example.com", "ben@example.com", "cleo@example.com"):
        body = json.dumps({"userName": name, "active": name != "ben@example.com"}).encode()
        made.append(client.send("POST", f"{SCIM_PATH}/Users", secret, body=body).json["id"])
    assert client.send("DELETE", f"{SCIM_PATH}/Users/{made[2]}", secret).status == 204
    others = ProvisionedUsers(world.database, world.committer, world.clock)
    others.create(WantedUser("dee@example.com"), Provisioner("entra", "a-token"))
    with world.database.writing() as connection:
        for number, (provider, source) in enumerate(
            (("okta", MemberSource.SCIM), ("entra", MemberSource.SCIM), ("okta", MemberSource.CLAIM))
        ):
            group = Group(GroupId(f"g{number}"), f"group {number}", source, provider)
            add_group(group, at=NOON).apply(connection)

    shown = listed(world)

    assert (shown["users"], shown["enabled_users"], shown["groups"]) == (2, 1, 1)


def test_the_valid_tokens_of_a_provider_that_provisions_no_more_are_shown_and_can_be_revoked(
    world: World,
) -> None:
    ScimTokens(world.database, world.committer, world.clock).create("old")

    _, other = world.client().get(PROVIDERS, world.tokens[ADMIN]).json["scim_providers"]
    assert (other["name"], other["configured"]) == ("old", False)
    path = f"{PROVIDERS}/old/tokens/{other['tokens'][0]['id']}"
    assert world.client().send("DELETE", path, world.tokens[ADMIN]).status == 204

    assert listed(world)["name"] == "okta"


def test_the_valid_tokens_are_shown_before_any_number_of_revoked_ones(world: World) -> None:
    tokens = ScimTokens(world.database, world.committer, world.clock)
    tokens.create("okta")
    for _ in range(MOST_TOKENS):
        world.clock.move(timedelta(seconds=1))
        made = create(world).json["id"]
        world.client().send("DELETE", f"{OF_OKTA}/{made}", world.tokens[ADMIN])

    shown = listed(world)["tokens"]

    assert len(shown) == MOST_TOKENS
    assert [each["revoked_at"] is None for each in shown] == [True] + [False] * (MOST_TOKENS - 1)


def test_a_user_reaches_nothing_of_it(world: World) -> None:
    for method, path in (("GET", PROVIDERS), ("POST", OF_OKTA), ("DELETE", f"{OF_OKTA}/x")):
        answer = world.client().send(method, path, world.tokens[DANA], body=b"{}")
        assert answer.json["code"] in {"access_denied", "insufficient_scope"}
