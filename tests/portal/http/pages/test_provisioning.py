"""The page Provisioning: the tokens of identity providers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.identity.provisioning.model import SCIM_PATH
from daypass.portal.identity.provisioning.tokens import ScimTokens
from tests.portal.http.pages.test_administrator import Browser, alert, shown_once, sign_in, text
from tests.portal.http.world import ADMIN, PUBLIC_URL, World
from tests.portal.http.world import world as make_world
from tests.portal.identity.external.conftest import events

PAGE = "/administrator/provisioning"
CREATE, REVOKE = f"{PAGE}/tokens", f"{PAGE}/tokens/revoke"
OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta", groups=GroupSource.SCIM)


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with make_world(sqlite_url, providers=(OKTA,)) as new_world:
        yield new_world


@pytest.fixture
def admin(world: World) -> Browser:
    return sign_in(world, ADMIN)


def token_id(world: World) -> str:
    """Return the id of the token that was created last."""
    created = [detail for action, _, _, detail in events(world.database) if action == "scim_token.create"]
    return str(created[-1].get("new.token_id") or created[-1]["token_id"])


def works(world: World, secret: str) -> bool:
    return world.client().get(f"{SCIM_PATH}/ServiceProviderConfig", secret).status == 200


def test_a_token_is_shown_once_and_works_until_it_is_revoked(world: World, admin: Browser) -> None:
    assert "No tokens" in admin.see(PAGE)

    answer = admin.send(CREATE, provider="okta")

    secret = shown_once(answer)
    assert (answer.status, answer.header("cache-control")) == (201, "no-store")
    assert f"{PUBLIC_URL}{SCIM_PATH}" in text(answer)
    assert 'Last call: <span class="muted">never' in text(answer)
    assert works(world, secret)
    later = admin.see(PAGE)
    assert secret not in later
    assert "just now" in later
    admin.do(REVOKE, provider="okta", id=token_id(world))
    assert not works(world, secret)
    assert "Revoked" in admin.see(PAGE)


def test_the_page_offers_no_third_token_and_the_form_is_refused(admin: Browser) -> None:
    offer = 'data-pane="create"'
    for _ in range(2):
        assert offer in admin.see(PAGE)
        assert admin.send(CREATE, provider="okta").status == 201

    assert offer not in admin.see(PAGE)
    refused = admin.send(CREATE, provider="okta")
    assert refused.status == 409
    assert "Revoke the one" in alert(refused)
    assert admin.send(CREATE, provider="nothing").status == 404


def test_creating_asks_for_the_password_after_five_minutes_and_revoking_does_not(
    world: World, admin: Browser
) -> None:
    ScimTokens(world.database, world.committer, world.clock).create("okta")
    world.clock.move(timedelta(minutes=5, seconds=1))

    asked = admin.send(CREATE, provider="okta")

    assert asked.status == 403
    assert "Confirm your password" in text(asked)
    admin.do(REVOKE, provider="okta", id=token_id(world))


def test_tokens_of_a_provider_that_provisions_no_more_can_only_be_revoked(
    world: World, admin: Browser
) -> None:
    ScimTokens(world.database, world.committer, world.clock).create("old")

    page = admin.see(PAGE)

    assert "does not let this provider provision any more" in page
    assert page.count('data-pane="create"') == 1  # Okta's
    admin.do(REVOKE, provider="old", id=token_id(world))
    assert "any more" not in admin.see(PAGE)


def test_a_portal_without_such_a_provider_says_who_can_change_that(quick_world: World) -> None:
    page = sign_in(quick_world, ADMIN).see(PAGE)

    assert "No provider has SCIM switched on" in page
    assert 'groups = "scim"' in page
