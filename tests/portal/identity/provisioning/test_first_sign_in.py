"""The first sign-in of a user whom the identity provider made by SCIM."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from daypass.portal.config.providers import GroupSource
from daypass.portal.errors import AccountRefused
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.model import Role
from daypass.portal.identity.provisioning.model import WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from tests.portal.identity.external.conftest import CONTEXT, CREATING, accounts, authentication, events
from tests.portal.identity.provisioning.conftest import ENTRA, OKTA

__all__ = ["accounts"]

PROVISIONING = replace(CREATING, groups=GroupSource.SCIM)
BY_OBJECT_ID = replace(PROVISIONING, external_id_claim="oid")
DANA = WantedUser("dana@example.com", "00u-dana")


def cause(accounts: ExternalAccounts, subject: str = "00u-dana", **claims: object) -> str:
    with pytest.raises(AccountRefused) as refused:
        accounts.prove(PROVISIONING, authentication(claims, subject), CONTEXT)
    return refused.value.cause_code


def test_the_external_id_finds_the_user(
    accounts: ExternalAccounts, provisioned: ProvisionedUsers, database: Database
) -> None:
    dana = provisioned.create(DANA, OKTA).user

    # Neither the name nor the address says who it is.
    claims = {"preferred_username": "somebody.else", "email": "other@example.com"}
    proven = accounts.prove(PROVISIONING, authentication(claims), CONTEXT)

    assert proven.record.user == dana
    assert accounts.prove(PROVISIONING, authentication(), CONTEXT).record.user == dana
    linked = [detail for action, _, _, detail in events(database) if action == "external_identity.link"]
    assert [detail["rule"] for detail in linked] == ["scim"]


def test_the_claim_is_the_configured_one(accounts: ExternalAccounts, provisioned: ProvisionedUsers) -> None:
    dana = provisioned.create(DANA, OKTA).user

    proven = accounts.prove(BY_OBJECT_ID, authentication({"oid": "00u-dana"}, "pairwise"), CONTEXT)

    assert proven.record.user == dana
    for odd in (7, None, "", "\x00", ["00u-dana"]):
        claims = {"oid": odd, "preferred_username": "dana@example.com"}
        with pytest.raises(AccountRefused):
            accounts.prove(BY_OBJECT_ID, authentication(claims, "00u-other"), CONTEXT)


def test_the_users_of_another_provider_are_not_found(
    accounts: ExternalAccounts, provisioned: ProvisionedUsers
) -> None:
    provisioned.create(DANA, ENTRA)

    assert cause(accounts, preferred_username="dana@example.com") == "username_taken"


def test_a_deactivated_user_is_not_linked_and_gets_no_second_user(
    accounts: ExternalAccounts, provisioned: ProvisionedUsers
) -> None:
    provisioned.create(replace(DANA, is_active=False), OKTA)

    assert cause(accounts, preferred_username="dana.again@example.com") == "disabled"


def test_a_second_account_is_not_linked(accounts: ExternalAccounts, provisioned: ProvisionedUsers) -> None:
    dana = provisioned.create(DANA, OKTA).user
    accounts.prove(PROVISIONING, authentication(), CONTEXT)
    provisioned.update(dana.id, lambda _old: WantedUser("dana@example.com", "00u-eve"), OKTA)

    assert cause(accounts, "00u-eve") == "already_linked"


@pytest.mark.parametrize("columns", [{"role": Role.ADMINISTRATOR.value}, {"password_hash": "x"}])
def test_a_user_with_a_role_or_password_of_the_portal_is_not_taken_over(
    accounts: ExternalAccounts,
    provisioned: ProvisionedUsers,
    database: Database,
    columns: dict[str, str],
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == dana.id).values(columns))

    assert cause(accounts) == "has_password"
