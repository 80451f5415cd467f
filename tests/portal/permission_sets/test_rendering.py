"""The session policies of custom sets: exactly one block that allows, within AWS's limits."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import InvalidRequest
from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet
from daypass.portal.permission_sets.rendering import check_size, session_policies
from tests.portal.permission_sets.examples import ANALYST, DATA_READER, custom, deny

ACCOUNT = "123456789012"


@st.composite
def custom_sets(draw: st.DrawFn) -> PermissionSet:
    actions = st.sampled_from(["s3:Get*", "sqs:*", "dynamodb:GetItem", "iam:PassRole"])
    policies = draw(st.lists(st.sampled_from(["aws:ReadOnlyAccess", "own", "a/b"]), unique=True))
    several = st.lists(actions, min_size=1, max_size=3)
    denies = draw(st.lists(several, min_size=0 if policies else 1, max_size=3))
    return custom("any", 1, *(deny(*each) for each in denies), policies=tuple(policies))


@given(permission_set=custom_sets())
def test_a_session_has_exactly_one_block_that_allows(permission_set: PermissionSet) -> None:
    rendered = session_policies(permission_set, "aws", ACCOUNT)

    document = json.loads(rendered.inline or '{"Statement": []}')
    allowing = [each for each in document["Statement"] if each["Effect"] != "Deny"]
    denying = [each for each in document["Statement"] if each["Effect"] == "Deny"]
    assert denying == permission_set.deny_statements
    assert len(rendered.arns) == len(permission_set.policies)
    if rendered.arns:
        assert allowing == []
    else:
        assert allowing == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


@pytest.mark.parametrize(
    "permission_set",
    [
        FULL,
        READ_ONLY,
        custom("any", 1),
        ANALYST,
        replace(DATA_READER, has_own_role=True),
        replace(DATA_READER, denies='[{"Effect":"Allow","Action":"*","Resource":"*"}]'),
        replace(DATA_READER, denies='[{"Action":"*","Resource":"*"}]'),
    ],
    ids=["full", "read-only", "empty", "own role", "own role and policies", "allow", "no effect"],
)
def test_a_set_that_narrows_nothing_is_not_rendered(permission_set: PermissionSet) -> None:
    with pytest.raises(InvalidRequest):
        session_policies(permission_set, "aws", ACCOUNT)


def test_arns_are_of_the_account_and_partition_of_the_role() -> None:
    rendered = session_policies(DATA_READER, "aws-us-gov", ACCOUNT)

    assert rendered.arns == (
        "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess",
        f"arn:aws-us-gov:iam::{ACCOUNT}:policy/own",
    )
    assert json.loads(rendered.inline or "")["Statement"] == DATA_READER.deny_statements


def test_policies_without_denies_need_no_inline_policy() -> None:
    assert session_policies(custom("any", 1, policies=("own",)), "aws", ACCOUNT).inline is None


def test_a_set_that_fits_the_longest_partition_fits_every_account() -> None:
    policies = tuple(f"{number}{'x' * 125}" for number in range(10, 20))
    check_size(custom("any", 1, policies=policies))
    # With these denies the set fits in the partition aws, and not in the longest.
    larger = custom("any", 1, deny("s3:" + "x" * 120), deny("s3:" + "y" * 128), policies=policies)

    session_policies(larger, "aws", ACCOUNT)

    with pytest.raises(InvalidRequest, match="at most 2,048 characters"):
        check_size(larger)
