"""The list of users by kind, and people without a password."""

from collections.abc import Iterator

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.model import Role, UserKind
from daypass.portal.secret import Secret
from tests.portal.http.pages.test_administrator import Browser, alert, sign_in
from tests.portal.http.pages.test_groups import rows
from tests.portal.http.world import ADMIN, World
from tests.portal.http.world import world as make_world

USERS = "/administrator/users"
OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta")
SAM, BOT = "sam@example.com", "shop-deployer"


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """A portal with an identity provider, a person and service accounts."""
    with make_world(sqlite_url, providers=(OKTA,)) as created:
        identity = created.identity
        created.users[SAM] = identity.create_user(SAM, Role.USER, Secret("correct horse battery"), OPERATOR)
        created.users[BOT] = identity.create_user(BOT, Role.USER, None, OPERATOR)
        yield created


@pytest.fixture
def admin(world: World) -> Browser:
    return sign_in(world, ADMIN)


def test_the_list_shows_one_kind_and_keeps_it_for_a_search(admin: Browser) -> None:
    every, people, services = (
        rows(admin.see(f"{USERS}{query}")) for query in ("", "?kind=person", "?kind=service")
    )

    assert list(people) == [SAM]
    assert BOT in services
    assert every.keys() == people.keys() | services.keys()
    assert rows(admin.see(f"{USERS}?kind=robot")).keys() == every.keys()
    page = admin.see(f"{USERS}?kind=service&search=shop&sort=-created")
    assert list(rows(page)) == [BOT]
    assert '<input type="hidden" name="kind" value="service">' in page
    # Sorting and searching keep the kind; another kind keeps the search and the order.
    assert f'href="{USERS}?search=shop&sort=username&kind=service"' in page
    assert f'<a href="{USERS}?search=shop&sort=-created">All</a>' in page
    assert 'kind=service" aria-current="page">Service accounts</a>' in page


def test_a_person_without_a_password_is_made_for_an_identity_provider(admin: Browser, world: World) -> None:
    fields = {"username": "new@example.com", "role": "User", "sign_in": "provider"}
    address = admin.do(USERS, **fields)

    created = world.client().get("/api/v1/users/new@example.com", world.tokens[ADMIN]).json
    assert (created["kind"], created["has_password"]) == (UserKind.PERSON, False)
    assert address == f"{USERS}/{created['id']}/sign-in-methods"
    assert "Link an account by its subject at the provider." in admin.see(address)
    assert "already taken" in alert(admin.send(USERS, **fields))


def test_the_choice_needs_an_identity_provider(admin: Browser, still_world: World) -> None:
    assert "At an identity provider (no password)" in admin.see(USERS)
    assert "At an identity provider" not in sign_in(still_world, ADMIN).see(USERS)
