"""Tests of the analysis of trust policies."""

from typing import Any

import pytest

from daypass.portal.aws import policies
from daypass.portal.aws.trust import Trust, read_trust

PORTAL = "arn:aws:iam::123456789012:user/daypass-portal"
ALL = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]


def read(principal: object, actions: object = ALL, condition: object = None) -> Trust:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": actions}
    if condition is not None:
        statement["Condition"] = condition
    return read_trust({"Statement": statement}, PORTAL, "external")


def asking(external_id: object) -> dict[str, Any]:
    return {"StringEquals": {"sts:ExternalId": external_id}}


def test_the_trust_policy_that_the_portal_writes_has_no_faults() -> None:
    trust = read_trust(policies.trust(PORTAL, "external"), PORTAL, "external")

    assert trust == Trust([], [], is_open=False, requires_external_id=True)


@pytest.mark.parametrize(
    "principal",
    [{"AWS": PORTAL}, {"AWS": ["x", PORTAL]}, {"AWS": "123456789012"}, {"AWS": PORTAL[:25] + ":root"}],
)
def test_a_trust_policy_with_the_portal_principal_allows_it(principal: object) -> None:
    assert not read(principal).exclusion_reasons


@pytest.mark.parametrize(
    "principal", [{"AWS": "arn:aws:iam::123456789012:user/other"}, {"Service": "ec2.amazonaws.com"}, None, {}]
)
def test_a_trust_policy_with_another_principal_excludes_the_portal(principal: object) -> None:
    assert read(principal).exclusion_reasons


def test_each_fault_is_reported_separately() -> None:
    portal = {"AWS": PORTAL}

    assert read(portal, "sts:TagSession").exclusion_reasons
    assert read(portal, "sts:AssumeRole").missing_actions == ["sts:SetSourceIdentity", "sts:TagSession"]
    assert read(portal, "sts:*").missing_actions == []
    assert read(portal, condition=asking("another")).exclusion_reasons
    assert not read(portal, condition=asking(["another", "external"])).exclusion_reasons
    assert not read(portal).requires_external_id
    assert read("*").is_open
    assert read({"AWS": "*"}).is_open


def test_for_all_values_holds_without_an_external_id() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": PORTAL}, "Action": ALL}
    statement["Condition"] = {"ForAllValues:StringEquals": {"sts:ExternalId": "external"}}
    document = {"Statement": statement}

    assert not read_trust(document, PORTAL, None).exclusion_reasons
    assert read_trust(document, PORTAL, "another").exclusion_reasons
    assert not read_trust(document, PORTAL, "external").requires_external_id
