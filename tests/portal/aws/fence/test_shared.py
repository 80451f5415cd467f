"""Tests of the managed policies that an account has for the fence."""

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.shared import (
    FENCE_POLICY_NAMES,
    REQUIRED_POLICY_NAMES,
    digest,
    shared_policies,
)

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "DaypassMaster")


def test_an_account_has_the_fence_its_boundary_and_the_permission_sets() -> None:
    names = list(shared_policies(ACCOUNT))

    assert names[: len(REQUIRED_POLICY_NAMES)] == [*FENCE_POLICY_NAMES, "daypass-boundary-2"]
    assert all(name.startswith("daypass-level-") for name in names[len(REQUIRED_POLICY_NAMES) :])


def test_a_digest_tells_contents_and_not_the_order_of_keys() -> None:
    assert digest({"Version": "2012-10-17", "Statement": []}) == digest(
        {"Statement": [], "Version": "2012-10-17"}
    )
    assert digest({"Version": "2012-10-17", "Statement": []}) != digest({"Version": "2012-10-17"})
