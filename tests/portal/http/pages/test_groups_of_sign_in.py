"""The groups of a sign-in at an identity provider, from its answer to the access that they give."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from daypass.portal.app import assemble, page_templates
from daypass.portal.config.providers import GroupSource
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group_membership
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.store.users import add_user
from daypass.portal.permission_sets.model import FULL
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.groups import group_members
from daypass.portal.tenants.model import GroupId
from tests.fakes import EXAMPLE_IDP, NOON, FakeOidcProvider
from tests.portal.groups.examples import add
from tests.portal.http.pages.passkey_browser import give_password
from tests.portal.http.pages.test_redirect_provider import (
    Browser,
    browser,
    callback,
    idps,
    link,
    location,
    portal,
)
from tests.portal.http.world import ADMIN, DATA, World, fake_aws, portal_config

__all__ = ["browser", "idps", "portal"]

RITA, RITA_SUBJECT = User(UserId("12" * 16), "rita@example.com", Role.USER), "00u-rita"
READERS = Group(GroupId("4e" * 16), "readers", MemberSource.CLAIM, EXAMPLE_IDP.name, "daypass-readers")
PLATFORM = replace(
    READERS,
    id=GroupId("b1" * 16),
    name="platform",
    external_id="daypass-platform",
    makes_administrators=True,
)


@pytest.fixture
def idp(portal: World, idps: list[FakeOidcProvider]) -> FakeOidcProvider:
    """Return the provider, whose groups are a claim, with a group for data01 and one of Administrators."""
    with portal.database.writing() as connection:
        add_user(RITA, None, at=NOON).apply(connection)
        link(connection, RITA_SUBJECT, RITA.id)
        add(connection, READERS)
        add(connection, PLATFORM)
        add_group_membership(READERS.id, DATA.id, FULL, None, at=NOON).apply(connection)
    idps[0].config = replace(EXAMPLE_IDP, groups=GroupSource.CLAIM)
    return idps[0]


def sign_in(browser: Browser, idp: FakeOidcProvider, claims: dict[str, object]) -> int:
    """Sign Rita in with these claims; return the status of the callback."""
    idp.claims[RITA_SUBJECT] = claims
    at_idp = location(browser.get("/sign-in/oidc/example-idp?next=/tenants"))
    return browser.get(callback(at_idp, RITA_SUBJECT)).status


def test_a_sign_in_gives_the_access_of_the_groups_that_its_claim_has(
    browser: Browser, idp: FakeOidcProvider
) -> None:
    assert sign_in(browser, idp, {"groups": ["daypass-readers"]}) == 303
    assert "data01" in browser.get("/resources").body.decode()
    assert browser.get("/administrator/users").status == 403

    assert sign_in(browser, idp, {"groups": ["daypass-platform"]}) == 303
    page = browser.get("/administrator/users")
    assert page.status == 200
    assert "by group platform" in page.body.decode()


def test_a_reauthentication_takes_the_role_from_a_user_who_left_its_group(
    portal: World, browser: Browser, idp: FakeOidcProvider
) -> None:
    give_password(portal, ADMIN)
    assert sign_in(browser, idp, {"groups": ["daypass-platform"]}) == 303

    idp.claims[RITA_SUBJECT] = {"groups": []}
    at_idp = location(browser.get("/confirm?next=/administrator/users"))

    assert browser.get(callback(at_idp, RITA_SUBJECT)).status == 303
    assert browser.get("/administrator/users").status == 403


def test_the_next_start_without_the_provider_ends_what_it_gave(
    portal: World, sqlite_url: str, browser: Browser, idp: FakeOidcProvider
) -> None:
    assert sign_in(browser, idp, {"groups": ["daypass-readers"]}) == 303

    aws = fake_aws(portal.broker, portal.source, None, portal.doctor, portal.boundaries, None)
    config = portal_config(sqlite_url)
    restarted = assemble(config, Database(sqlite_url), aws, portal.clock, page_templates())
    restarted.close()

    ended = browser.get("/resources")
    assert (ended.status, location(ended)) == (303, "/sign-in?next=/resources&ended=1")
    with portal.database.reading() as connection:
        assert connection.execute(select(group_members.c.user_id)).all() == []


def test_a_sign_in_without_reliable_groups_is_refused_with_the_reason(
    browser: Browser, idp: FakeOidcProvider
) -> None:
    idp.claims[RITA_SUBJECT] = {"_claim_names": {"groups": "src1"}}
    at_idp = location(browser.get("/sign-in/oidc/example-idp?next=/tenants"))

    refused = browser.get(callback(at_idp, RITA_SUBJECT))

    assert refused.status == 403
    assert "did not send your groups, because they are too many" in refused.body.decode()
    assert browser.get("/administrator/users").status == 303
