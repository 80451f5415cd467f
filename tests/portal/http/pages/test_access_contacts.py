"""The contacts that pages name for access: names of Administrators are for people of the company."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.store.users import add_user
from tests.fakes import EXAMPLE_IDP, NOON, FakeOidcProvider
from tests.portal.http.pages.test_redirect_provider import Browser, callback, location
from tests.portal.http.world import world as make_world

STRANGERS = EXAMPLE_IDP
COMPANY = replace(EXAMPLE_IDP, required_claims={"hd": "example.com"})
DOMAIN = replace(EXAMPLE_IDP, email_domains=frozenset({"example.com"}))
ENTRA = "https://login.microsoftonline.com/{}/v2.0"
CONTACT = "aws-access@example.com"
ADA = User(UserId("ada0" * 8), "ada@example.com", Role.ADMINISTRATOR, UserKind.PERSON)


def pages_of(url: str, config: ProviderConfig, contact: str = "") -> Sequence[str]:
    """Return the page of a refused first sign-in, and the profile of a user whom one created."""
    idp = FakeOidcProvider(config)
    idp.claims["00u-x"] = {"preferred_username": "new@example.com"}
    pages = []
    with make_world(url, redirect_providers=lambda _database: [idp], contact=contact) as portal:
        with portal.database.writing() as connection:
            add_user(ADA, None, at=NOON).apply(connection)
        for creates in (False, True):
            idp.config = replace(config, creates_users=creates)
            browser = Browser(portal.client())
            at_idp = location(browser.get("/sign-in/oidc/example-idp?next=/profile"))
            answer = browser.get(callback(at_idp, "00u-x"))
            pages.append((answer if answer.status != 303 else browser.get("/profile")).body.decode())
    return pages


def test_people_of_the_company_read_names_of_administrators(sqlite_url: str) -> None:
    refused, profile = pages_of(sqlite_url, COMPANY)

    assert f"to give your account access: {ADA.username}." in refused
    assert f"to add you to a tenant: {ADA.username}." in profile


def test_people_of_a_provider_with_strangers_read_none(sqlite_url: str) -> None:
    refused, profile = pages_of(sqlite_url, STRANGERS)

    assert "has no access here yet" in refused
    assert "to add you to a tenant." in profile
    assert [ADA.username in page for page in (refused, profile)] == [False, False]


@pytest.mark.parametrize("contact", ["", CONTACT])
def test_an_account_of_another_domain_reads_the_contact_at_most(sqlite_url: str, contact: str) -> None:
    for page in pages_of(sqlite_url, DOMAIN, contact):
        assert "Only accounts with a verified e-mail address of example.com" in page
        assert (ADA.username in page, CONTACT in page) == (False, bool(contact))


@pytest.mark.parametrize("config", [STRANGERS, COMPANY])
def test_the_operators_contact_takes_the_place_of_names(sqlite_url: str, config: ProviderConfig) -> None:
    for page in pages_of(sqlite_url, config, CONTACT):
        assert (ADA.username in page, CONTACT in page) == (False, True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (STRANGERS, False),
        (COMPANY, True),
        (DOMAIN, True),
        (replace(EXAMPLE_IDP, issuer="https://accounts.google.com"), False),
        (replace(EXAMPLE_IDP, issuer=ENTRA.format("3fae0b4c-1d11-4e0f-9f5a-7a6c51f4b1aa")), True),
        # The tenant of everybody's personal accounts.
        (replace(EXAMPLE_IDP, issuer=ENTRA.format("9188040d-6c67-4c5b-b112-36a304b66dad")), False),
        (replace(EXAMPLE_IDP, issuer="https://example.com/3fae0b4c-1d11-4e0f-9f5a-7a6c51f4b1aa"), False),
        (replace(EXAMPLE_IDP, issuer="https://login.microsoftonline.com"), False),
    ],
)
def test_a_provider_is_of_one_company_by_its_claims_or_its_tenant(
    config: ProviderConfig, *, expected: bool
) -> None:
    assert config.is_of_one_company is expected
