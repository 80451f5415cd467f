"""Tests of accounts and of targets in them."""

import pytest

from daypass.portal.accounts.model import Account, Generation, Target, iam_role_arn, set_role_name
from daypass.portal.errors import AwsError, AwsUnavailable

GOV = Account.known(
    "aws-us-gov", "123456789012", "duploservices-", "duplomaster", name="gov", region="us-gov-west-1"
)


def unknown_id() -> str:
    raise AwsUnavailable("STS did not answer.")


def test_the_arn_of_a_role_names_partition_and_account() -> None:
    arn = iam_role_arn("aws-us-gov", "123456789012", "duploservices-dev01")

    assert arn == "arn:aws-us-gov:iam::123456789012:role/duploservices-dev01"


def test_an_account_names_its_roles_and_policies() -> None:
    assert GOV.master_target == Target(
        "arn:aws-us-gov:iam::123456789012:role/duplomaster", "us-gov-west-1", None
    )
    assert GOV.boundary_arn == "arn:aws-us-gov:iam::123456789012:policy/daypass-boundary"
    assert GOV.boundary_of(Generation.SHARED) == "arn:aws-us-gov:iam::123456789012:policy/daypass-boundary-2"
    assert GOV.boundary_arns == [GOV.boundary_arn, GOV.boundary_of(Generation.SHARED)]
    assert GOV.fence_policy_arn_pattern == "arn:aws-us-gov:iam::123456789012:policy/daypass-fence-*"
    assert GOV.level_policy_arn_pattern == "arn:aws-us-gov:iam::123456789012:policy/daypass-level-*"
    assert GOV.issued_role_arn_patterns == [
        "arn:aws-us-gov:iam::123456789012:role/duploservices-*",
        "arn:aws-us-gov:iam::123456789012:role/duplomaster",
        "arn:aws-us-gov:iam::123456789012:role/daypass-set-*",
    ]
    assert set_role_name("dev01", "deploy") == "daypass-set-dev01.deploy"


def test_the_master_role_may_require_an_external_id() -> None:
    account = Account("a", "aws", "us-west-2", "p-", "master", lambda: "123456789012", external_id="secret")

    assert account.master_target.external_id == "secret"


def test_an_unknown_id_raises_the_reason_wherever_it_is_needed() -> None:
    account = Account("a", "aws", "us-west-2", "p-", "master", unknown_id)

    assert (account.partition, account.region) == ("aws", "us-west-2")
    for read in (lambda: account.id, lambda: account.role_arn("x"), lambda: account.master_target):
        with pytest.raises(AwsError, match="STS did not answer"):
            read()


@pytest.mark.parametrize(
    ("role_arn", "account_id"),
    [
        ("arn:aws:iam::123456789012:role/a", "123456789012"),
        ("arn:aws-cn:iam::210987654321:role/path/a", "210987654321"),
        ("", ""),
        ("duploservices-dev01", ""),
    ],
)
def test_the_account_of_a_target_is_that_of_its_role(role_arn: str, account_id: str) -> None:
    assert Target(role_arn, "us-west-2").account_id == account_id
