"""Tests of the ARNs of IAM roles."""

from daypass.portal.tenants.roles import iam_role_arn


def test_the_arn_of_a_role_names_partition_and_account() -> None:
    arn = iam_role_arn("aws-us-gov", "123456789012", "duploservices-dev01")

    assert arn == "arn:aws-us-gov:iam::123456789012:role/duploservices-dev01"
