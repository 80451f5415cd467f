"""Tests of the inline policy that limits a role to some services, with the portal's own permissions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.aws import policies
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.services_policy import LARGEST_INLINE_POLICIES, services_policy
from daypass.portal.aws.fence.shared import REQUIRED_POLICY_NAMES
from daypass.portal.errors import AwsRefused, RoleNotFound
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import client
from tests.portal.aws.conftest import PREFIX, Portal, keys_of

ALL = frozenset(REQUIRED_POLICY_NAMES)


@pytest.mark.parametrize("verified", [frozenset(), ALL], ids=["generation 1", "generation 2"])
def test_a_limited_role_uses_the_chosen_services_only(
    sandbox: SandboxProcess, portal: Portal, verified: frozenset[str]
) -> None:
    roles, tenant = portal.roles(sandbox, verified), portal.tenant(f"limited{len(verified)}")
    arn = tenant.target.role_arn
    roles.make(tenant)
    keys = keys_of(sandbox, portal, tenant)
    sqs = client(sandbox, "sqs", keys)
    sqs.list_queues()

    roles.set_services(arn, {"lambda"})
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.list_queues()
    client(sandbox, "sts", keys).get_caller_identity()
    roles.set_services(arn, {"lambda", "sqs"})
    sqs.list_queues()
    roles.set_services(arn, {"lambda"})
    roles.set_services(arn, None)
    roles.set_services(arn, None)

    sqs.list_queues()
    assert roles.policy(arn, "services") is None


def test_a_role_of_a_former_tenant_gets_the_limit_of_the_present_one(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    tenant, roles = portal.tenant("heir"), portal.roles(sandbox, ALL)
    arn = tenant.target.role_arn
    roles.make(tenant)
    roles.set_services(arn, {"lambda"})
    roles.empty(tenant)
    chosen = replace(roles, services_of=lambda tenant_id: {"sqs"} if tenant_id == tenant.id else {"ec2"})

    assert chosen.restore(tenant)
    assert roles.policy(arn, "services") == services_policy({"sqs"})
    roles.empty(tenant)
    roles.make(tenant)

    assert roles.policy(arn, "services") is None


def test_a_limit_that_does_not_fit_is_refused_with_the_count(sandbox: SandboxProcess, portal: Portal) -> None:
    tenant, roles = portal.tenant("full"), portal.roles(sandbox)
    roles.make(tenant)
    present = len(policies.to_json(policies.tenant_policy(portal.account, "full")))
    # The role is full but for some characters, and the limit needs more.
    own = policies.document(policies.allow(["s3:GetObject"], ["x"]))
    room = LARGEST_INLINE_POLICIES - present - len(policies.to_json(own)) - 10
    own = policies.document(policies.allow(["s3:GetObject"], ["x" * room]))
    client(sandbox, "iam").put_role_policy(
        RoleName=f"{PREFIX}full", PolicyName="own", PolicyDocument=policies.to_json(own)
    )
    own_size, wanted = len(policies.to_json(own)), len(policies.to_json(services_policy({"sqs"})))
    assert present + own_size + wanted > LARGEST_INLINE_POLICIES

    with pytest.raises(AwsRefused, match=f"would have {present + own_size + wanted:,} characters"):
        roles.set_services(tenant.target.role_arn, {"sqs"})

    assert roles.policy(tenant.target.role_arn, "services") is None


def test_the_policy_denies_all_but_the_prefixes_of_the_chosen_services() -> None:
    statements: Any = services_policy({"lambda", "no-longer-offered"})["Statement"]
    (statement,) = statements

    assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
    assert [each for each in statement["NotAction"] if each.endswith(":*")] == ["lambda:*"]
    assert {"iam:PassRole", "sts:GetCallerIdentity", "tag:GetResources"} <= set(statement["NotAction"])


def test_the_policy_leaves_room_for_others_with_every_service() -> None:
    every = services_policy([service.name for service in offered_services()])

    assert len(policies.to_json(every)) < LARGEST_INLINE_POLICIES / 4


def test_the_role_of_the_same_name_in_another_account_is_not_meant(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    tenant, roles = portal.tenant("namesake"), portal.roles(sandbox, ALL)
    arn = tenant.target.role_arn
    roles.make(tenant)
    roles.set_services(arn, {"lambda"})
    elsewhere = arn.replace(portal.account.id, "333333333333")

    # The default account also answers for roles that are in no account of the portal.
    with pytest.raises(RoleNotFound):
        roles.set_services(elsewhere, None)
    with pytest.raises(RoleNotFound):
        roles.set_maximum(elsewhere, timedelta(hours=9))
    assert roles.policy(arn, "services") == services_policy({"lambda"})
    assert roles.read(arn).maximum != timedelta(hours=9)
