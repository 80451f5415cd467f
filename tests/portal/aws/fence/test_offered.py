"""Tests of the services that channels show, against the policies of both generations."""

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.services import TenantService
from daypass.portal.aws import policies
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.offered import tenant_services

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")


def test_the_services_of_generation_1_are_those_that_its_policy_allows() -> None:
    statements = policies.as_list(policies.tenant_policy(ACCOUNT, "dev01")["Statement"])
    allowed = {
        action.partition(":")[0]
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in policies.as_list(statement["Action"])
    }

    # Of the tag search, only the list of resources is allowed.
    assert {one.name for one in tenant_services() if one.since is Generation.INLINE} == allowed - {"tag"}


def test_all_offered_services_are_shown_by_category() -> None:
    shown = tenant_services()

    assert {one.name for one in shown} == {one.name for one in offered_services()}
    assert [one.category for one in shown] == sorted(one.category for one in shown)


def test_a_service_is_usable_within_the_generation_and_the_limit() -> None:
    old = TenantService("a", "A", "x", "x", (), Generation.INLINE)
    new = TenantService("b", "B", "x", "x", (), Generation.SHARED)

    assert old.is_usable(Generation.INLINE, None)
    assert not new.is_usable(Generation.INLINE, None)
    assert new.is_usable(Generation.SHARED, None)
    assert new.is_usable(None, None)
    assert new.is_usable(None, {"b"})
    assert not old.is_usable(Generation.SHARED, {"b"})
    assert not new.is_usable(Generation.INLINE, {"b"})
