"""The catalogue's files, and the sizes of the policies generated from them."""

from fnmatch import fnmatchcase

import pytest

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.catalogue import parse, services
from daypass.portal.aws.fence.documents import (
    LARGEST_MANAGED_POLICY,
    NO_ACTION,
    POLICIES,
    TENANT,
    boundary,
    fence,
    resolve,
    size,
)
from daypass.portal.aws.fence.levels import LEVELS, LevelName, levels
from daypass.portal.aws.fence.model import PolicyName, Service
from daypass.portal.aws.policies import Statement, document, to_json

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")
# The longest name of a partition makes the longest ARNs.
GOVERNMENT = Account.known("aws-us-gov", "123456789012", "duploservices-", "duplomaster")

SERVICE = """
title = "Amazon Example"
category = "Storage"
summary = "Everything that this example has."
prefixes = ["example"]
policy = "data"
"""


def test_a_shared_policy_that_no_service_uses_has_a_statement_without_effect() -> None:
    statement: Statement = {"Effect": "Deny", "Action": NO_ACTION, "Resource": "*"}

    assert fence(ACCOUNT, [])["stores"] == document(statement)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_shared_policy_fits_into_a_managed_policy(policy: PolicyName) -> None:
    assert size(fence(GOVERNMENT)[policy]) <= LARGEST_MANAGED_POLICY


def test_the_boundary_fits_into_a_managed_policy() -> None:
    assert size(boundary(GOVERNMENT)) <= LARGEST_MANAGED_POLICY


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_fits_into_a_managed_policy(level: LevelName) -> None:
    assert size(levels()[level]) <= LARGEST_MANAGED_POLICY


@pytest.mark.parametrize("level", LEVELS)
def test_no_action_of_a_level_repeats_what_a_pattern_of_it_covers(level: LevelName) -> None:
    allowed = levels()[level]["Statement"][0]["Action"]  # type: ignore[index]  # the first statement allows

    repeated = [
        (action, pattern)
        for action in allowed
        for pattern in allowed
        if action != pattern and fnmatchcase(action.lower(), pattern.lower())
    ]
    assert repeated == []


def test_policies_are_generated_alike_each_time() -> None:
    assert [to_json(policy) for policy in fence(ACCOUNT).values()] == [
        to_json(policy) for policy in fence(ACCOUNT).values()
    ]
    assert to_json(boundary(ACCOUNT)) == to_json(boundary(ACCOUNT))


def test_placeholders_stand_for_the_account_and_the_tenant() -> None:
    arn = "arn:{partition}:sqs:*:{account}:{name}-*"

    assert resolve(arn, ACCOUNT) == f"arn:aws:sqs:*:123456789012:duploservices-{TENANT}-*"
    assert resolve("{tenant}_*", ACCOUNT, "dev01") == "dev01_*"


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_no_pattern_has_a_wildcard_in_the_service_or_type_of_an_arn(service: Service) -> None:
    patterns = {pattern for rule in service.allow for pattern in rule.resources}
    for pattern in patterns - {"*"}:
        _, _, arn_service, *_, resource = pattern.split(":", 5)
        assert "*" not in arn_service
        # AWS decides on the tags of a new resource of any type of EC2.
        assert not resource.startswith("*") or pattern == "arn:{partition}:ec2:*:{account}:*/*"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('colour = "red"', "colour"),
        ('[[allow]]\nby = "name"\nactions = ["example:*"]', "needs the patterns of its ARNs"),
        ('[[allow]]\nby = "condition"\nactions = ["example:*"]', "needs a reason"),
        ('[[allow]]\nby = "list"\nactions = ["other:List*"]', "prefix that is not in `prefixes`"),
        ('[[allow]]\nby = "list"\nactions = ["List*"]', "actions"),
    ],
)
def test_a_fault_in_a_file_is_named(more: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse("example", f"{SERVICE}\n{more}")
