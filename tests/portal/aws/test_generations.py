"""Tests of the roles of both generations of the fence, with the portal's own permissions in the sandbox."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.accounts.model import Generation
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES, REQUIRED_POLICY_NAMES
from daypass.portal.aws.tenant_role import make_tenant_role
from daypass.portal.errors import AwsNotAllowed, RoleNotFound
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, client
from tests.portal.aws.conftest import PREFIX, OwnKeys, Portal, keys_of

ALL = frozenset(REQUIRED_POLICY_NAMES)


def fence_of(portal: Portal) -> set[str]:
    return {portal.account.policy_arn(name) for name in FENCE_POLICY_NAMES}


def test_a_new_role_shares_the_fence_of_an_account_that_has_all_of_it(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    roles, tenant = portal.roles(sandbox, ALL), portal.tenant("shared")

    roles.make(tenant)

    state = roles.read(tenant.target.role_arn)
    assert state.boundary_arn == portal.account.boundary_of(Generation.SHARED)
    assert roles.boundary_arn(tenant.target.role_arn) == state.boundary_arn
    assert roles.attached(tenant.target.role_arn) == fence_of(portal)
    assert roles.policy(tenant.target.role_arn, "tenant") is None


@pytest.mark.parametrize("absent", ["daypass-fence-guards", "daypass-boundary-2"])
def test_a_new_role_has_a_fence_of_its_own_while_the_account_lacks_a_shared_policy(
    sandbox: SandboxProcess, portal: Portal, absent: str
) -> None:
    roles, tenant = portal.roles(sandbox, ALL - {absent}), portal.tenant(f"no-{absent[8:]}")

    roles.make(tenant)

    assert roles.read(tenant.target.role_arn).boundary_arn == portal.account.boundary_arn
    assert roles.attached(tenant.target.role_arn) == set()
    assert roles.policy(tenant.target.role_arn, "tenant") == policies.tenant_policy(
        portal.account, tenant.name
    )


def test_the_sessions_of_a_role_with_the_shared_fence_stay_in_their_tenant(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    for name in ("shares", "neighbour"):
        portal.roles(sandbox, ALL).make(portal.tenant(name))
        client(sandbox, "sqs").create_queue(QueueName=f"{PREFIX}{name}-jobs")

    sqs = client(sandbox, "sqs", keys_of(sandbox, portal, portal.tenant("shares")))
    url = sqs.get_queue_url(QueueName=f"{PREFIX}shares-jobs")["QueueUrl"]

    sqs.send_message(QueueUrl=url, MessageBody="x")
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url.replace("shares", "neighbour"), MessageBody="x")


def test_a_partial_role_is_completed_in_its_own_generation(sandbox: SandboxProcess, portal: Portal) -> None:
    iam, later = client(sandbox, "iam"), portal.roles(sandbox, ALL)
    old, new = portal.tenant("half-old"), portal.tenant("half-new")
    for tenant, generation in ((old, Generation.INLINE), (new, Generation.SHARED)):
        make_tenant_role(
            iam, portal.account, tenant.name, tenant.target.external_id, portal.user_arn, generation
        )
    iam.delete_role_policy(RoleName=f"{PREFIX}half-old", PolicyName="tenant")
    for arn in sorted(fence_of(portal))[2:]:
        iam.detach_role_policy(RoleName=f"{PREFIX}half-new", PolicyArn=arn)

    for tenant in (old, new):
        later.make(tenant)
        later.make(tenant)
    # A verification that found less says nothing about a role that has the boundary.
    portal.roles(sandbox).make(new)

    assert later.policy(old.target.role_arn, "tenant") == policies.tenant_policy(portal.account, "half-old")
    assert later.attached(old.target.role_arn) == set()
    assert later.policy(new.target.role_arn, "tenant") is None
    assert later.attached(new.target.role_arn) == fence_of(portal)


def test_a_role_with_the_shared_fence_is_emptied_and_restored(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    roles, tenant = portal.roles(sandbox, ALL), portal.tenant("back")
    roles.make(tenant)
    sqs: Any = client(sandbox, "sqs", keys_of(sandbox, portal, tenant))
    client(sandbox, "sqs").create_queue(QueueName=f"{PREFIX}back-jobs")
    sqs.get_queue_url(QueueName=f"{PREFIX}back-jobs")

    assert roles.empty(tenant)
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.list_queues()
    assert roles.restore(tenant)

    sqs.get_queue_url(QueueName=f"{PREFIX}back-jobs")
    assert roles.policy(tenant.target.role_arn, "tenant") is None
    assert not roles.restore(tenant), "Nothing is left to restore."
    roles.empty(tenant)
    roles.make(tenant)
    assert roles.policy(tenant.target.role_arn, "tenant") is None


def test_a_portal_with_the_permissions_of_an_earlier_release_makes_roles_of_generation_1(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    account, iam = portal.account, client(sandbox, "iam")
    arn = iam.create_user(UserName="earlier-portal")["User"]["Arn"]
    made = [
        policies.allow(["iam:GetRole", "iam:TagRole"], [account.tenant_role_arn_pattern]),
        policies.allow(
            ["iam:CreateRole", "iam:PutRolePolicy"],
            [account.tenant_role_arn_pattern],
            condition={"StringEquals": {"iam:PermissionsBoundary": account.boundary_arn}},
        ),
    ]
    iam.put_user_policy(
        UserName="earlier-portal",
        PolicyName="daypass",
        PolicyDocument=policies.to_json(policies.document(*made)),
    )
    key = iam.create_access_key(UserName="earlier-portal")["AccessKey"]
    roles = portal.roles(sandbox, ALL, OwnKeys(key["AccessKeyId"], key["SecretAccessKey"]))
    tenant = portal.tenant("earlier")

    roles.make(tenant)

    assert roles.principal() == arn
    assert roles.read(tenant.target.role_arn).boundary_arn == account.boundary_arn


def test_an_account_that_lost_a_shared_policy_is_told_from_a_missing_permission(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    iam, arn = client(sandbox, "iam"), portal.account.policy_arn("daypass-fence-denies")
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    for entity in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]:
        iam.detach_role_policy(RoleName=entity["RoleName"], PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)

    try:
        with pytest.raises(RoleNotFound, match="see `daypass portal fence plan`"):
            portal.roles(sandbox, ALL).make(portal.tenant("lost"))
    finally:
        iam.create_policy(
            PolicyName="daypass-fence-denies",
            PolicyDocument=policies.to_json(document),
        )


def test_the_portal_attaches_no_other_policy_and_to_no_role_of_generation_1(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    own: Any = client(sandbox, "iam", Keys(portal.keys.access_key_id, portal.keys.secret_access_key))
    portal.roles(sandbox).make(portal.tenant("inline"))
    portal.roles(sandbox, ALL).make(portal.tenant("attached"))
    wide = client(sandbox, "iam").create_policy(
        PolicyName="wide",
        PolicyDocument=policies.to_json(policies.document(policies.allow(["*"], ["*"]))),
    )["Policy"]["Arn"]
    guards = portal.account.policy_arn("daypass-fence-guards")

    own.attach_role_policy(RoleName=f"{PREFIX}attached", PolicyArn=guards)
    for role, policy in (("attached", wide), ("inline", guards)):
        with pytest.raises(ClientError, match="AccessDenied"):
            own.attach_role_policy(RoleName=f"{PREFIX}{role}", PolicyArn=policy)


def test_a_role_of_another_owner_has_no_attached_policies_to_read(
    sandbox: SandboxProcess, portal: Portal
) -> None:
    with pytest.raises(AwsNotAllowed, match=r"It takes iam:ListAttachedRolePolicies\."):
        portal.roles(sandbox).attached(portal.account.role_arn("somebody-elses"))
