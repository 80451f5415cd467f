"""A workload rule only narrows what its service account may do."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.entitlements import (
    Entitlement,
    EntitlementKind,
    entitlements_to_tenant,
    strongest,
    within_rule,
)
from daypass.portal.access.model import IssuanceId
from daypass.portal.access.session_names import ISSUANCE_TAG, TENANT_TAG, session_tags
from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet, PermissionSetId
from daypass.portal.workloads.model import RuleId, WorkloadLimits
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DEV


def custom(name: str, rank: int) -> PermissionSet:
    return PermissionSet(PermissionSetId(name), name, "", rank)


SETS = (FULL, READ_ONLY, custom("operator", 500), custom("deployer", 500), custom("auditor", 10))
MEMBERSHIPS = st.lists(st.sampled_from(SETS), max_size=3)


def given_by(entitlements: Iterable[Entitlement]) -> set[str]:
    return {each.name for own in entitlements for each in SETS if own.gives(each)}


@given(st.booleans(), MEMBERSHIPS, st.none() | st.sampled_from(SETS))
def test_within_a_rule_nobody_has_a_set_that_rule_and_memberships_do_not_both_give(
    is_administrator: bool, sets: list[PermissionSet], highest: PermissionSet | None
) -> None:
    memberships = [Entitlement(EntitlementKind.MEMBERSHIP, each) for each in sets]
    own = [*(entitlements_to_tenant(ADMIN, None) if is_administrator else ()), *memberships]

    left = within_rule(own, highest)

    of_rule = () if highest is None else (Entitlement(EntitlementKind.MEMBERSHIP, highest),)
    assert given_by(left) == given_by(memberships) & given_by(of_rule)
    assert all(each.kind is not EntitlementKind.ADMINISTRATOR for each in left)


def test_the_end_of_a_membership_stays() -> None:
    own = Entitlement(EntitlementKind.MEMBERSHIP, FULL, NOON)
    narrowed = strongest(within_rule([own], READ_ONLY))
    assert narrowed == Entitlement(EntitlementKind.MEMBERSHIP, READ_ONLY, NOON)


def test_no_tag_of_a_rule_replaces_one_of_the_portal() -> None:
    names = ("issuance", "tenant", "TENANT_NAME", "claim")
    limits = WorkloadLimits(RuleId("1"), "shop", timedelta(hours=1), dict.fromkeys(names, "forged"), FULL)

    tags = session_tags(IssuanceId("i"), DEV, limits)

    assert (tags[ISSUANCE_TAG], tags[TENANT_TAG]) == ("i", DEV.name)
    assert all(key.startswith("daypass:") for key in tags), "Trust policies allow these keys only."
    assert len(tags) == len(names) + 2
