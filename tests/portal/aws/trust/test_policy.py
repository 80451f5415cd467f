"""Tests of the trust policy that the portal writes, and of its merge into existing ones."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.model import IssuanceId
from daypass.portal.access.session_names import session_tags
from daypass.portal.aws import policies
from daypass.portal.aws.trust.analysis import read_trust
from daypass.portal.aws.trust.policy import LARGEST_TRUST_POLICY, merge_trust, trust_policy
from daypass.portal.tenants.model import Tenant, TenantId
from tests.portal.aws.trust.former import former_trust

PORTAL = "arn:aws:iam::123456789012:user/daypass-portal"
OWN = trust_policy(PORTAL, "external", "dev01")


def statements(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401  JSON
    return [document["Statement"]] if isinstance(document["Statement"], dict) else document["Statement"]


def test_every_tag_that_the_portal_sends_has_a_pinned_key() -> None:
    tenant = Tenant.with_role(TenantId("t"), "dev01", "us-west-2", "arn:aws:iam::123456789012:role/r", None)

    assert all(key.startswith("daypass:") for key in session_tags(IssuanceId("feed"), tenant))


def test_the_trust_policy_leaves_room_for_web_identity() -> None:
    # The longest names: a role of 64 characters under a path, a tenant of 32, an ExternalId of a UUID.
    principal = "arn:aws-us-gov:iam::123456789012:role/" + "p" * 63 + "/" + "r" * 64
    size = len(policies.to_json(trust_policy(principal, "e" * 36, "t" * 32)))

    # A statement for AssumeRoleWithWebIdentity with tags takes about 700 characters.
    assert size + 700 <= LARGEST_TRUST_POLICY


@pytest.mark.parametrize("external_id", ["external", "of-an-earlier-tenant", None])
@pytest.mark.parametrize("is_list", [True, False])
def test_the_statement_of_an_earlier_version_is_replaced(external_id: str | None, *, is_list: bool) -> None:
    former: Any = former_trust(PORTAL, external_id)
    if not is_list:
        former["Statement"] = former["Statement"][0]
        former["Statement"]["Action"] = former["Statement"]["Action"][::-1]

    assert merge_trust(former, OWN, PORTAL) == OWN


SIMILAR: list[dict[str, Any]] = [
    {"Sid": "Ours"},
    {"Principal": {"AWS": "arn:aws:iam::123456789012:user/other"}},
    {"Principal": {"AWS": PORTAL, "Service": "ec2.amazonaws.com"}},
    {"Action": "sts:AssumeRole"},
    {"Effect": "Deny"},
    {"Condition": {}},
    {"Condition": {"StringLike": {"sts:SourceIdentity": "dana*"}}},
    {"Condition": {"StringLike": {"sts:SourceIdentity": "*"}, "Bool": {"aws:SecureTransport": "true"}}},
    {
        "Condition": {
            "StringLike": {"sts:SourceIdentity": "*"},
            "StringEquals": {"sts:ExternalId": ["a", "b"]},
        }
    },
]


@pytest.mark.parametrize("changed", SIMILAR)
def test_a_statement_that_only_resembles_that_of_an_earlier_version_is_kept(changed: dict[str, Any]) -> None:
    (former,) = statements(former_trust(PORTAL, "external"))
    similar = former | changed

    assert statements(merge_trust({"Statement": [similar]}, OWN, PORTAL)) == [*statements(OWN), similar]


names = st.text(st.characters(categories=["L", "N"]), max_size=8)
foreign = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.sampled_from(["*", {"AWS": PORTAL}, {"Service": "ec2.amazonaws.com"}]),
        "Action": st.sampled_from(["sts:AssumeRole", "sts:TagSession", ["sts:*"]]),
    },
    optional={
        "Sid": names.filter(lambda sid: not sid.startswith("Daypass")),
        "Condition": st.sampled_from([{}, {"Bool": {"aws:SecureTransport": "true"}}]),
    },
)
own = st.sampled_from([*statements(former_trust(PORTAL, "x")), *statements(OWN), {"Sid": "DaypassLater"}])


@given(
    st.lists(st.tuples(st.booleans(), foreign, own)),
    st.sampled_from([{}, {"Version": "2008-10-17"}, {"Version": "2012-10-17", "Id": "theirs"}]),
)
def test_a_merge_keeps_foreign_statements_in_order_and_is_idempotent(
    parts: list[tuple[bool, dict[str, Any], dict[str, Any]]], rest: dict[str, Any]
) -> None:
    mixed = [theirs if is_foreign else ours for is_foreign, theirs, ours in parts]
    kept = [theirs for is_foreign, theirs, _ in parts if is_foreign]
    before = json.dumps(mixed)

    merged: Any = merge_trust(rest | {"Statement": mixed}, OWN, PORTAL)

    assert merged["Statement"] == [*statements(OWN), *kept]
    assert merge_trust(merged, OWN, PORTAL) == merged
    assert json.dumps(mixed) == before
    if kept:
        assert {key: merged[key] for key in merged if key != "Statement"} == rest


def test_merging_removes_every_fault_of_an_earlier_version() -> None:
    merged = merge_trust(former_trust(PORTAL, "of-an-earlier-tenant"), OWN, PORTAL)

    assert read_trust(merged, PORTAL, "external", "dev01") == read_trust(OWN, PORTAL, "external", "dev01")
