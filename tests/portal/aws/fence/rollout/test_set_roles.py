"""The rollout of the roles of permission sets, in an account in the sandbox."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from daypass.portal.access.broker import Deadline, SetRole
from daypass.portal.accounts.rollout import RolloutPlan, SetRoleStatus
from daypass.portal.aws import policies
from daypass.portal.aws.fence.rollout.applying import StepFailed
from daypass.portal.aws.fence.rollout.operator import Operator
from daypass.portal.aws.fence.rollout.rollouts import FenceRollout, Request, SetRoles
from daypass.portal.aws.fence.rollout.set_roles_in_account import AccountSetRoleReader
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import to_json
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.fence.rollout.conftest import Lab

NAME = "daypass-set-dev01.support"
DENY = {"Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}


def rollout(lab: Lab, sets: Sequence[str] = ("support",)) -> FenceRollout:
    """Return the rollout, of permission sets too."""
    operator = Operator("arn:aws:iam::123456789012:user/operator", lab.account, lab.iam)
    return replace(
        lab.rollout(), set_roles=SetRoles(AccountSetRoleReader(operator.iam, operator.guard), sets)
    )


def problem(lab: Lab) -> str:
    """Return what the portal finds wrong, with its own permissions."""
    keys = OwnKeys(lab.portal_keys.access_key_id, lab.portal_keys.secret_access_key)
    broker = connected(
        aws_config(lab.sandbox.endpoint_url, region=lab.sandbox.region), session=keys.session()
    )
    role = SetRole(
        lab.account.role_arn(NAME), lab.account.role_arn("duploservices-dev01"), "dev01", None, None
    )
    return broker.find_set_role_problem(role, Deadline(time.monotonic() + 60))


def attached(lab: Lab) -> set[str]:
    listed = lab.iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]
    return {policy["PolicyName"] for policy in listed}


def status(plan: RolloutPlan) -> SetRoleStatus:
    (role,) = plan.set_roles
    return role.status


@pytest.fixture
def permitted(lab: Lab) -> Lab:
    """The account, in which the portal has the permissions of this version."""
    allowed = to_json(policies.portal_policy(lab.account))
    lab.iam.put_user_policy(UserName="portal", PolicyName="daypass", PolicyDocument=allowed)
    return lab


def test_roles_are_made_with_the_migration_continued_after_an_error_repaired_and_listed(
    permitted: Lab,
) -> None:
    lab = permitted
    lab.old_role("dev01")
    first = rollout(lab).plan()
    assert status(first) is SetRoleStatus.NOT_POSSIBLE
    assert "daypass-set" not in str(first.steps)

    made = rollout(lab)
    # The first seven policies are attached to the tenant's role.
    lab.sandbox.control.add_fault("error", "iam", "AttachRolePolicy", after=10)
    with pytest.raises(StepFailed):
        list(made.apply(made.plan(Request(["dev01"]))))
    lab.sandbox.control.clear_faults()
    assert "The trust policy of" in problem(lab)
    assert not made.verify().is_complete
    list(made.apply(made.plan()))

    assert attached(lab) == set(FENCE_POLICY_NAMES)
    assert problem(lab) == ""
    verification = made.verify()
    assert verification.is_complete
    assert [role.status for role in verification.set_roles] == [SetRoleStatus.READY]

    for name in ("data", "guards"):
        lab.iam.detach_role_policy(RoleName=NAME, PolicyArn=lab.account.policy_arn(f"daypass-fence-{name}"))
    lab.iam.put_role_policy(RoleName=NAME, PolicyName="own", PolicyDocument=json.dumps(DENY))
    lab.iam.update_role(RoleName=NAME, MaxSessionDuration=7200)
    lab.iam.untag_role(RoleName=NAME, TagKeys=["TENANT_NAME"])
    lab.iam.tag_role(RoleName=NAME, Tags=[{"Key": "Tenant_Name", "Value": "dev02"}])
    lab.iam.delete_role_permissions_boundary(RoleName=NAME)
    assert "The boundary of" in problem(lab)
    list(made.apply(made.plan()))

    assert problem(lab) == ""
    assert attached(lab) == set(FENCE_POLICY_NAMES) - {"daypass-fence-data"}
    assert lab.iam.get_role_policy(RoleName=NAME, PolicyName="own")["PolicyDocument"] == DENY
    assert lab.iam.get_role(RoleName=NAME)["Role"]["MaxSessionDuration"] == 7200

    (unused,) = rollout(lab, ()).plan().set_roles
    assert (unused.tenant, unused.permission_set, unused.status) == ("dev01", "support", "unused")
    assert len(unused.commands) == len(attached(lab)) + 2
    assert unused.commands[-4] == f"aws iam delete-role-policy --role-name {NAME} --policy-name own"
    assert unused.commands[-1] == f"aws iam delete-role --role-name {NAME}"
    assert rollout(lab, ()).verify().is_complete
    assert rollout(lab, ()).plan().is_complete
