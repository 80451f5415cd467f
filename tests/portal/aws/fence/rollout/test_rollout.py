"""Rollouts in the sandbox: a new account, one of the previous version, interruptions, and the way back."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import PolicyStatus, Step
from daypass.portal.aws import policies
from daypass.portal.aws.fence.rollout.applying import StepFailed
from daypass.portal.aws.fence.rollout.roles import migration
from daypass.portal.aws.fence.rollout.rollouts import FenceRollout, Request
from daypass.portal.aws.fence.rollout.statements import equal, overlap
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES, shared_policies
from daypass.portal.aws.policies import Statement, to_json
from daypass.portal.errors import AwsNotAllowed
from tests.fixtures.sandbox import Keys, client
from tests.portal.aws.fence.rollout.conftest import Lab

SHARED, BACK = Request(), Request(back=True)


def everything(rollout: FenceRollout, request: Request = SHARED) -> list[Step]:
    """Apply the whole plan and return its steps."""
    return list(rollout.apply(rollout.plan(request)))


def with_interruptions(lab: Lab, plan: Callable[[], Sequence[Step]]) -> list[Step]:
    """Apply plans in which each step but the first fails once; return the steps that were made."""
    made: list[Step] = []
    applier = lab.rollout().applier
    while steps := plan():
        if len(steps) == 1:
            made += applier.apply(steps)
            continue
        first, second = (step.operation for step in steps[:2])
        action = second.title().replace("_", "")
        lab.sandbox.control.add_fault("error", "iam", action, after=int(first == second))
        with pytest.raises(StepFailed) as failure:
            made.extend(applier.apply(steps))
        assert failure.value.number == 2
        lab.sandbox.control.clear_faults()
    return made


def old_account(lab: Lab) -> None:
    """Fill the account with shared policies of an older catalogue, which differ in each kind of policy."""
    older = dict(shared_policies(lab.account))
    changes: dict[str, Statement] = {
        "daypass-fence-data": policies.allow(["sqs:SendMessage", "robomaker:*"], ["*"]),
        "daypass-fence-guards": {"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*"},
        "daypass-level-operator": policies.allow(["sqs:*"], ["*"]),
        "daypass-boundary-2": policies.allow(["sqs:*", "robomaker:*"], ["*"]),
    }
    for name, changed in changes.items():
        older[name] = policies.document(changed)
    for name, document in older.items():
        lab.policy(name, document)


def queue_url(lab: Lab, tenant: str) -> str:
    """Return the URL of a new queue of a tenant."""
    queues = client(lab.sandbox, "sqs")
    return str(queues.create_queue(QueueName=f"duploservices-{tenant}-jobs")["QueueUrl"])


def may_send(lab: Lab, keys: Keys, url: str) -> bool:
    """Return whether a session may send a message to a queue."""
    try:
        client(lab.sandbox, "sqs", keys).send_message(QueueUrl=url, MessageBody="x")
    except ClientError as error:
        return "AccessDenied" not in str(error)
    return True


def test_a_new_account_gets_all_policies_and_then_has_nothing_to_do(lab: Lab) -> None:
    rollout = lab.rollout()
    plan = rollout.plan()

    assert {policy.status for policy in plan.policies} == {PolicyStatus.MISSING}
    assert not plan.is_complete
    everything(rollout)

    assert lab.policy_names() == shared_policies(lab.account).keys()
    assert rollout.plan().is_complete
    assert rollout.verify().is_complete
    assert rollout.verify().digests.keys() == lab.policy_names()


def test_a_role_of_the_previous_version_is_migrated_and_its_keys_keep_working(lab: Lab) -> None:
    dev01, dev02 = lab.old_role("dev01"), lab.old_role("dev02")
    own, foreign = queue_url(lab, "dev01"), queue_url(lab, "dev02")
    keys = lab.keys(dev01)
    everything(lab.rollout())
    assert (may_send(lab, keys, own), may_send(lab, keys, foreign)) == (True, False)
    assert [tenant.generation for tenant in lab.rollout().plan().tenants] == [1, 1]

    plan = lab.rollout().plan(Request(("dev01",)))
    rights = {(may_send(lab, keys, own), may_send(lab, keys, foreign)) for _ in lab.rollout().apply(plan)}

    assert rights == {(True, False)}
    assert may_send(lab, lab.keys(dev01), own)
    assert may_send(lab, lab.keys(dev02), foreign)
    role = lab.iam.get_role(RoleName="duploservices-dev01")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == lab.account.boundary_of(Generation.SHARED)
    assert lab.iam.list_role_policies(RoleName="duploservices-dev01")["PolicyNames"] == []
    assert [tenant.generation for tenant in lab.rollout().plan().tenants] == [2, 1]
    assert lab.rollout().plan(Request(("dev01",))).is_complete
    assert lab.rollout().verify().is_complete


def test_a_plan_lists_the_actions_that_stop_working(lab: Lab) -> None:
    lab.old_role("dev01")
    more = policies.document(policies.allow(["sqs:*", "robomaker:ListRobots"], ["*"]))
    name = "duploservices-dev01"
    lab.iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=to_json(more))

    def losses() -> dict[tuple[str, str], str]:
        found = lab.rollout().plan(Request(("dev01",))).losses
        return {(loss.policy, action): loss.reason for loss in found for action in loss.actions}

    def reasons(action: str) -> set[str]:
        return {why for (policy, lost), why in losses().items() if policy == "more" and overlap(lost, action)}

    # The present boundary does not let it through.
    assert reasons("robomaker:ListRobots") == set()
    lab.iam.delete_role_permissions_boundary(RoleName=name)
    lab.iam.delete_role_policy(RoleName=name, PolicyName="tenant")
    assert reasons("robomaker:ListRobots") == {"the boundary allows no action of it"}
    assert reasons("sqs:AddPermission") == {"the fence denies it"}
    assert lab.rollout().plan().losses == []


def test_a_rollout_that_is_interrupted_at_each_step_completes(lab: Lab) -> None:
    old_account(lab)
    planned = lab.rollout().plan().steps

    made = with_interruptions(lab, lambda: lab.rollout().plan().steps)

    assert [step.operation for step in made] == [step.operation for step in planned]
    assert len(made) >= 8
    assert lab.rollout().verify().is_complete


def test_a_migration_that_is_interrupted_at_each_step_completes(lab: Lab) -> None:
    tenant = lab.old_role("dev01")
    everything(lab.rollout())

    def steps() -> Sequence[Step]:
        return list(migration(lab.account, lab.rollout().reader.role(tenant, contents=True)))

    planned = steps()

    assert with_interruptions(lab, steps) == planned
    assert len(planned) == 10
    assert lab.rollout().plan(Request(("dev01",))).is_complete


def test_a_rollback_goes_back_to_the_versions_before_the_rollout(lab: Lab) -> None:
    old_account(lab)
    before = lab.default_documents()
    everything(lab.rollout())
    planned = lab.rollout().plan(BACK).steps

    lab.sandbox.control.add_fault("error", "iam", "SetDefaultPolicyVersion", after=2)
    with pytest.raises(StepFailed) as failure:
        everything(lab.rollout(), BACK)
    lab.sandbox.control.clear_faults()
    made = everything(lab.rollout(), BACK)

    assert failure.value.number == 3
    assert made == planned[2:]
    after = lab.default_documents()
    assert all(equal(after[name], document) for name, document in before.items())
    # Each version that it needs is there.
    assert {step.operation for step in made} == {"set_default_policy_version"}
    everything(lab.rollout())
    assert lab.rollout().verify().is_complete
    assert lab.rollout().plan(BACK).steps == planned


def test_an_account_without_a_rollout_has_nothing_to_go_back_to(lab: Lab) -> None:
    everything(lab.rollout())

    plan = lab.rollout().plan(BACK)

    assert plan.steps == []
    assert "nothing to go back to" in plan.obstacles[0]


def test_of_five_versions_the_oldest_that_is_neither_in_force_nor_former_is_deleted(lab: Lab) -> None:
    everything(lab.rollout())
    arn = lab.account.policy_arn("daypass-fence-data")
    for number in range(4):
        other = policies.document(policies.allow([f"sqs:List{number}"], ["*"]))
        lab.iam.create_policy_version(PolicyArn=arn, PolicyDocument=to_json(other), SetAsDefault=number == 0)
    # v2 is in force; v1 has the contents that are wanted, and would be reused.
    lab.iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    more = policies.document(policies.allow(["sqs:List9"], ["*"]))
    lab.iam.create_policy_version(PolicyArn=arn, PolicyDocument=to_json(more))

    deleted = [step for step in everything(lab.rollout()) if step.operation == "delete_policy_version"]

    assert [step.parameters["VersionId"] for step in deleted] == ["v3"]
    assert lab.rollout().verify().is_complete
    ids = {version["VersionId"] for version in lab.iam.list_policy_versions(PolicyArn=arn)["Versions"]}
    assert {"v2", "v7"} <= ids


def test_a_role_whose_arn_was_entered_is_migrated_only_if_it_is_named(lab: Lab) -> None:
    tenant = lab.old_role("legacy", "their-role")
    rollout = lab.rollout()

    assert rollout.is_own(tenant)
    everything(rollout)
    assert lab.iam.list_attached_role_policies(RoleName="their-role")["AttachedPolicies"] == []
    everything(rollout, Request(("legacy",)))
    attached = lab.iam.list_attached_role_policies(RoleName="their-role")["AttachedPolicies"]
    assert {policy["PolicyName"] for policy in attached} == set(FENCE_POLICY_NAMES)


@pytest.mark.parametrize("what", ["tag", "rights", "quota", "wide", "missing"])
def test_a_role_that_cannot_have_the_fence_is_reported_and_left(lab: Lab, what: str) -> None:
    name = "duploservices-dev01"
    if what == "missing":
        lab.tenant("dev01")
    else:
        lab.old_role("dev01")
    if what == "tag":
        lab.iam.tag_role(RoleName=name, Tags=[{"Key": "TENANT_NAME", "Value": "prod01"}])
    elif what == "rights":
        lab.iam.put_role_policy(
            RoleName=name, PolicyName="tenant", PolicyDocument=to_json(policies.nothing())
        )
    elif what == "quota":
        for number in range(4):
            document = policies.document(policies.allow(["sqs:ListQueues"], ["*"]))
            lab.iam.attach_role_policy(RoleName=name, PolicyArn=lab.policy(f"own-{number}", document))

    elif what == "wide":
        # The old boundary keeps it from all other services.
        document = policies.document(policies.allow(["ssm:Get*", "sqs:List*"], ["*"]))
        lab.iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=to_json(document))

    plan = lab.rollout().plan(Request(("dev01",)))

    (obstacle,) = plan.obstacles
    words = {
        "tag": "names prod01",
        "rights": "no rights",
        "quota": "may have 10",
        "missing": "no role",
        "wide": "has the policy more, which the present boundary keeps from ssm:*.",
    }
    assert words[what] in obstacle
    assert "RoleName" not in {key for step in plan.steps for key in step.parameters}


def test_missing_rights_are_named_with_the_identity_and_the_action(lab: Lab) -> None:
    lab.iam.create_user(UserName="reader")
    allowed = policies.document(policies.allow(["iam:Get*", "iam:List*"], ["*"]))
    lab.iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=to_json(allowed))
    key: Any = lab.iam.create_access_key(UserName="reader")["AccessKey"]
    reader = client(lab.sandbox, "iam", Keys(key["AccessKeyId"], key["SecretAccessKey"]))

    with pytest.raises(StepFailed, match=r"does not let .* It takes iam:CreatePolicy") as failure:
        everything(lab.rollout(reader))

    assert isinstance(failure.value.error, AwsNotAllowed)
    assert failure.value.number == 1
    assert lab.policy_names() == set()
