"""Tests of the policy documents, with arbitrary names."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.trust.policy import trust_policy

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")


def shape(document: policies.Document) -> list[tuple[str, object]]:
    """Return the parts of a policy that do not depend on names."""
    statements: Any = json.loads(policies.to_json(document))["Statement"]
    return [(statement["Effect"], statement["Action"]) for statement in statements]


@given(st.text(), st.text())
def test_no_name_can_inject_a_statement_or_an_action(name: str, external_id: str) -> None:
    assert shape(policies.tenant_policy(ACCOUNT, name)) == shape(policies.tenant_policy(ACCOUNT, "dev01"))
    assert shape(trust_policy(name, external_id, name)) == shape(trust_policy("arn", "external", "dev01"))


def test_only_the_list_actions_of_a_tenant_reach_beyond_its_name_and_tag() -> None:
    statements: Any = policies.tenant_policy(ACCOUNT, "dev01")["Statement"]
    named, tagged, lists = (statement for statement in statements if statement["Effect"] == "Allow")

    assert all("duploservices-dev01-" in resource for resource in named["Resource"])
    assert tagged["Condition"] == {"StringEquals": {"aws:ResourceTag/TENANT_NAME": "dev01"}}
    assert not any("/tags" in resource for resource in tagged["Resource"])
    assert all(action.split(":")[1].startswith(("List", "Get")) for action in lists["Action"])


def test_the_boundary_leaves_out_iam_and_other_roles() -> None:
    statements: Any = policies.boundary(ACCOUNT)["Statement"]
    (most,) = (statement for statement in statements if statement["Effect"] == "Allow")

    assert not any(action.startswith(("iam:", "sts:", "*")) for action in most["Action"])


# IAM's limit for all inline policies of a user together.
LARGEST_USER_POLICIES = 2048


@pytest.mark.parametrize("partition", sorted(PARTITIONS))
def test_the_portal_s_policy_fits_into_an_inline_policy_of_a_user(partition: str) -> None:
    account = Account.known(partition, "123456789012", "duploservices-of-team-", "duplomaster-of-team")

    assert len(policies.to_json(policies.portal_policy(account))) <= LARGEST_USER_POLICIES


def test_every_permission_of_the_portal_has_a_reason_and_a_resource() -> None:
    for need in policies.portal_needs(ACCOUNT):
        assert need.why
        # This action has no resource.
        assert "*" not in need.resources or need.actions == ("sqs:ListQueues",)
        assert not any("*" in action for action in need.actions)
