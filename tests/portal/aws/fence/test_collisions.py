"""Tests of the denies between tenants whose names overlap, with an independent IAM evaluator."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.collisions import collision_denies, collision_policies, longer_names
from daypass.portal.aws.fence.documents import LARGEST_MANAGED_POLICY, POLICIES, resolve, size
from daypass.portal.tenants.names import overlap
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, allowed, decide
from tests.portal.aws.fence.rights import filled, request, rights

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
MANAGED_POLICIES_OF_A_ROLE = 10
OWN_ACCOUNT = {"aws:ResourceAccount": ACCOUNT_ID}


def requests(tenant: str) -> list[Request]:
    """Return a request for a resource of each kind of a tenant."""
    name, place = f"duploservices-{tenant}", f"us-west-2:{ACCOUNT_ID}"
    resources = {
        "s3:ListBucket": f"arn:aws:s3:::{name}-files",
        "s3:GetObject": f"arn:aws:s3:::{name}-files/key",
        "dynamodb:GetItem": f"arn:aws:dynamodb:{place}:table/{name}-orders",
        "sqs:SendMessage": f"arn:aws:sqs:{place}:{name}-jobs",
        "sns:Publish": f"arn:aws:sns:{place}:{name}-news",
        "kinesis:PutRecord": f"arn:aws:kinesis:{place}:stream/{name}-events",
    }
    return [Request(action, resource, OWN_ACCOUNT) for action, resource in resources.items()]


def texts(*tenants: str) -> set[str]:
    return {str(request) for tenant in tenants for request in requests(tenant)}


def test_the_shorter_tenant_loses_the_resources_of_the_longer_ones_and_keeps_its_own() -> None:
    tenants = ["dev01", "dev01-x", "dev01-x-y", "dev01-z", "dev012"]
    asked = [request for tenant in tenants for request in requests(tenant)]

    def allowed_to(tenant: str, *, with_denies: bool) -> set[str]:
        fence: Any = policies.tenant_policy(ACCOUNT, tenant)["Statement"]
        denies: Any = collision_denies(ACCOUNT, longer_names(tenant, tenants))["Statement"]
        role = policies.document(*fence, *(denies if with_denies else ()))
        return allowed(Rights(role=role, boundary=policies.boundary(ACCOUNT)), asked)

    assert allowed_to("dev01", with_denies=False) == texts("dev01", "dev01-x", "dev01-x-y", "dev01-z")
    assert allowed_to("dev01", with_denies=True) == texts("dev01")
    assert allowed_to("dev01-x", with_denies=True) == texts("dev01-x")


def test_the_denies_cover_every_pattern_that_the_policy_allows_by_name() -> None:
    (named, *_) = (
        statement
        for statement in policies.as_list(policies.tenant_policy(ACCOUNT, "dev01-x")["Statement"])
        if statement["Sid"] == "Named"
    )

    (deny,) = policies.as_list(collision_denies(ACCOUNT, ["dev01-x"])["Statement"])

    assert deny["Resource"] == named["Resource"]


def test_other_patterns_can_be_given_and_patterns_without_a_name_are_left_out() -> None:
    patterns = (
        "arn:{partition}:lambda:*:{account}:function:{name}-*",
        "arn:{partition}:rds-db:*:{account}:dbuser:*/{tenant}_*",
        "arn:{partition}:apigateway:*::/restapis/*",
    )

    (deny,) = policies.as_list(collision_denies(ACCOUNT, ["b-x", "b-x-y", "b-z"], patterns)["Statement"])

    assert deny["Resource"] == [
        f"arn:aws:lambda:*:{ACCOUNT_ID}:function:duploservices-b-x-*",
        f"arn:aws:rds-db:*:{ACCOUNT_ID}:dbuser:*/b-x_*",
        f"arn:aws:lambda:*:{ACCOUNT_ID}:function:duploservices-b-z-*",
        f"arn:aws:rds-db:*:{ACCOUNT_ID}:dbuser:*/b-z_*",
    ]


def test_the_shared_policies_lose_every_resource_of_the_longer_name_and_keep_their_own() -> None:
    examples = [each for service in offered_services() for each in service.examples if each.fence == "name"]
    policies_of_role = collision_policies(ACCOUNT, "dev01", ["dev01-x"]).values()
    denies = [statement for policy in policies_of_role for statement in policies.as_list(policy["Statement"])]

    def decided(owner: str) -> set[bool]:
        attempts = []
        for each in examples:
            made = request(each.action, resolve(each.resource, ACCOUNT, owner), filled(each, owner))
            role = rights(made.action)
            statements: Any = role.role["Statement"]
            attempts.append((replace(role, role=policies.document(*statements, *denies)), made))
        return set(decide(attempts))

    assert decided("dev01") == {True}
    assert decided("dev01-x") == {False}


def test_a_role_has_room_for_the_denies_of_two_tenants_beside_the_shared_policies() -> None:
    found = collision_policies(ACCOUNT, "dev01", ["dev01-x", "dev01-y"])

    assert len(found) + len(POLICIES) <= MANAGED_POLICIES_OF_A_ROLE
    assert all(size(policy) <= LARGEST_MANAGED_POLICY for policy in found.values())


names = st.lists(st.sampled_from("ab-"), min_size=1, max_size=5).map("".join)


@given(names, st.sets(names))
def test_the_longer_of_two_overlapping_names_is_found(name: str, others: set[str]) -> None:
    found = longer_names(name, others)

    assert found == sorted(one for one in others if overlap(name, one) and len(one) > len(name))
