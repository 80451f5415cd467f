"""The groups that claims name: exact values only, and a refusal wherever the claims do not say them all."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import GroupsClaimInvalid
from daypass.portal.groups.claims import MAX_VALUES, matching_groups, storable_values, values_of_claim
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.tenants.model import GroupId
from tests.portal.groups.examples import DEVELOPERS, PLATFORM

OKTA = ProviderConfig("okta", "https://example.okta.com", "client", label="Okta", groups=GroupSource.CLAIM)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "did not send the claim “groups”"),
        ({"roles": ["a"]}, "did not send the claim “groups”"),
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {}}, "too many"),
        ({"groups": ["a"], "_claim_names": {"groups": "src1"}}, "too many"),
        ({"groups": [], "hasgroups": True}, "too many"),
        ({"groups": [], "hasgroups": "true"}, "too many"),
        ({"groups": None}, "another form"),
        ({"groups": "admins"}, "another form"),
        ({"groups": {"admins": True}}, "another form"),
        ({"groups": ["a", 7]}, "another form"),
        ({"groups": [["a"]]}, "another form"),
        ({"groups": [f"group {number}" for number in range(MAX_VALUES + 1)]}, "more than 500"),
    ],
)
def test_claims_that_do_not_say_the_groups_are_refused_with_the_reason(
    claims: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(GroupsClaimInvalid, match=reason):
        values_of_claim(claims, OKTA)


def test_an_empty_list_is_a_user_without_groups_and_other_claims_may_be_elsewhere() -> None:
    claims = {"groups": [], "hasgroups": False, "_claim_names": {"address": "src1"}}

    assert values_of_claim(claims, OKTA) == frozenset()
    assert len(values_of_claim({"groups": [str(number) for number in range(MAX_VALUES)]}, OKTA)) == MAX_VALUES
    assert values_of_claim({"roles": ["x"]}, replace(OKTA, groups_claim="roles")) == {"x"}


@pytest.mark.parametrize(
    "value", ["daypass-platform ", "Daypass-platform", "daypass-*", "daypass", "", "platform", "\x00"]
)
def test_only_the_exact_value_matches(value: str) -> None:
    assert matching_groups(frozenset({value}), OKTA, [PLATFORM]) == ()
    assert matching_groups(frozenset({value, "daypass-platform"}), OKTA, [PLATFORM]) == (PLATFORM,)


names = st.sampled_from(["daypass-platform", "a", "*", "developers"])
known = st.builds(
    Group,
    st.sampled_from(["1", "2", "3"]).map(GroupId),
    names,
    st.sampled_from(MemberSource),
    st.sampled_from(["", "okta", "entra"]),
    st.none() | names,
)


@given(values=st.frozensets(names), groups=st.lists(known))
def test_only_claim_groups_of_this_provider_match(values: frozenset[str], groups: list[Group]) -> None:
    for group in matching_groups(values, OKTA, [*groups, DEVELOPERS]):
        assert (group.source, group.provider) == (MemberSource.CLAIM, "okta")
        assert group.external_id in values


def test_values_that_the_database_cannot_store_match_nothing() -> None:
    assert storable_values(["a", "", "b\x00", "\ud800"]) == {"a"}
