"""Tests of the registry of accounts: the account through which a role is reached."""

import pytest

from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts
from daypass.portal.errors import AwsUnavailable

FIRST, SECOND, OTHER = "111111111111", "222222222222", "333333333333"


def account(name: str, account_id: str | None) -> Account:
    """Return an account; its id is unknown if *account_id* is None."""

    def find_id() -> str:
        if account_id is None:
            raise AwsUnavailable(f"{name} is unknown.")
        return account_id

    return Account(name, "aws", "us-west-2", "duploservices-", "duplomaster", find_id)


def role(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:role/duploservices-dev01"


@pytest.mark.parametrize(
    ("first", "second", "role_in", "reached_through"),
    [
        (FIRST, SECOND, FIRST, "a"),
        (FIRST, SECOND, SECOND, "b"),
        (FIRST, SECOND, OTHER, "a"),
        (FIRST, None, FIRST, "a"),
        (FIRST, None, SECOND, "b"),
        (None, SECOND, FIRST, "a"),
        (None, SECOND, SECOND, "b"),
        (None, None, SECOND, "a"),
    ],
)
def test_a_role_is_reached_through_its_own_account_or_the_one_that_may_have_it(
    first: str | None, second: str | None, role_in: str, reached_through: str
) -> None:
    accounts = Accounts(account("a", first), account("b", second))

    assert accounts.for_role(role(role_in)).name == reached_through


@pytest.mark.parametrize("known", [FIRST, None])
@pytest.mark.parametrize("role_arn", ["", f"arn:aws:iam::{OTHER}:role/duploservices-dev01"])
def test_one_account_reaches_every_role(known: str | None, role_arn: str) -> None:
    only = account("default", known)

    assert Accounts(only).for_role(role_arn) is only


def test_an_account_is_found_by_name_or_by_known_id() -> None:
    first, second = account("a", FIRST), account("b", None)
    accounts = Accounts(first, second)

    assert [accounts.find(text) for text in ("a", FIRST, "b")] == [first, first, second]
    assert (accounts.find(SECOND), accounts.find("")) == (None, None)
    assert (accounts.default, list(accounts)) == (first, [first, second])


def test_two_accounts_have_different_names() -> None:
    with pytest.raises(ValueError, match="same name"):
        Accounts(account("a", FIRST), account("a", SECOND))
