"""The steps that create and repair the role of a permission set, without AWS.

After each step, the portal refuses the role, or the role is within the fence.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from daypass.portal.access.broker import SetRole
from daypass.portal.accounts.model import Account, Generation, set_role_name
from daypass.portal.accounts.rollout import RolloutPlan, SetRoleStatus, Step
from daypass.portal.aws import policies
from daypass.portal.aws.fence.rollout import planning
from daypass.portal.aws.fence.rollout.account_state import AccountState, RoleInAccount
from daypass.portal.aws.fence.rollout.set_roles_in_account import (
    SetRoleInAccount,
    SetRolesInAccount,
    UnusedRole,
)
from daypass.portal.aws.fence.services_policy import services_policy
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.set_role.judgement import SetRoleState, find_problem
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.commands.fence_output import plan_text
from tests.portal.aws.fence.rollout.catalogues import ACCOUNT

PORTAL = f"arn:aws:iam::{ACCOUNT.id}:user/portal"
NAME = set_role_name("dev01", "support")
ARN = ACCOUNT.role_arn(NAME)
DENY = {"Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}
ALLOW = policies.document(policies.allow(["s3:*"], ["*"]))
TENANT_ROLE = RoleInAccount(
    tenant="dev01",
    arn=ACCOUNT.role_arn("duploservices-dev01"),
    is_own=False,
    boundary_arn=ACCOUNT.boundary_of(Generation.SHARED),
    tags={policies.TENANT_TAG: "dev01"},
    trust=trust_policy(PORTAL, "e-1", "dev01"),
)
MISSING = SetRoleInAccount("support", SetRole(ARN, TENANT_ROLE.arn, "dev01", "e-1", None), TENANT_ROLE, None)

OVERLAPPING = replace(MISSING, wanted=replace(MISSING.wanted, overlapping=("dev01-x",)))


def arns(*names: str) -> list[str]:
    return [ACCOUNT.policy_arn(f"daypass-fence-{name}") for name in names]


GOOD = SetRoleState(
    arn=ARN,
    trust=trust_policy(PORTAL, "e-1", "dev01"),
    boundary_arn=ACCOUNT.boundary_of(Generation.SHARED),
    tags=[("TENANT_NAME", "dev01")],
    attached=[ACCOUNT.policy_arn(name) for name in FENCE_POLICY_NAMES],
    inline={},
)


def existing(services: Sequence[str] | None = None, **changed: Any) -> SetRoleInAccount:  # noqa: ANN401  of any field
    """Return a finished role with other properties."""
    wanted = replace(MISSING.wanted, services=services)
    return replace(MISSING, wanted=wanted, state=replace(GOOD, **changed))


def plan(role: SetRoleInAccount, account: Account = ACCOUNT) -> RolloutPlan:
    return planning.plan(AccountState(account, {}), {}, set_roles=SetRolesInAccount([role]))


def after(state: SetRoleState | None, step: Step) -> SetRoleState:
    """Return the role after a step, as IAM would have it."""
    given: Mapping[str, Any] = step.parameters
    assert given["RoleName"] == NAME
    if step.operation == "create_role":
        tags = [(tag["Key"], tag["Value"]) for tag in given["Tags"]]
        trust = json.loads(given["AssumeRolePolicyDocument"])
        return SetRoleState(ARN, trust, given["PermissionsBoundary"], tags, [], {})
    assert state is not None
    match step.operation:
        case "put_role_permissions_boundary":
            return replace(state, boundary_arn=given["PermissionsBoundary"])
        case "untag_role":
            return replace(state, tags=[tag for tag in state.tags if tag[0] not in given["TagKeys"]])
        case "tag_role":
            (new,) = [(tag["Key"], tag["Value"]) for tag in given["Tags"]]
            return replace(state, tags=[*(tag for tag in state.tags if tag[0] != new[0]), new])
        case "attach_role_policy":
            return replace(state, attached=[*state.attached, given["PolicyArn"]])
        case "put_role_policy":
            written = {given["PolicyName"]: json.loads(given["PolicyDocument"])}
            return replace(state, inline={**state.inline, **written})
        case "delete_role_policy":
            kept = {name: one for name, one in state.inline.items() if name != given["PolicyName"]}
            return replace(state, inline=kept)
        case "update_assume_role_policy":
            return replace(state, trust=json.loads(given["PolicyDocument"]))
        case operation:
            raise AssertionError(f"{operation} is no step of this role")


def states(role: SetRoleInAccount, steps: Sequence[Step]) -> Iterator[SetRoleState]:
    """Yield the role after each step."""
    state = role.state
    for step in steps:
        state = after(state, step)
        yield state


def status(role: SetRoleInAccount) -> SetRoleStatus:
    (compared,) = plan(role).set_roles
    return compared.status


@pytest.mark.parametrize("services", [None, ["s3", "sqs"]])
def test_a_new_role_is_complete_before_anyone_may_assume_it(services: list[str] | None) -> None:
    role = replace(MISSING, wanted=replace(MISSING.wanted, services=services))
    steps = plan(role).steps

    *unfinished, last = states(role, steps)

    assert status(role) is SetRoleStatus.MISSING
    assert all(find_problem(state, role.wanted, PORTAL) for state in unfinished)
    assert all("Deny" in str(state.trust) and "Allow" not in str(state.trust) for state in unfinished)
    assert find_problem(last, role.wanted, PORTAL) == ""
    assert set(last.attached) == {ACCOUNT.policy_arn(name) for name in FENCE_POLICY_NAMES}
    said = [step.sentence.removeprefix(f"{NAME}: ") for step in steps]
    assert said[1:3] == ["attach daypass-fence-guards", "attach daypass-fence-denies"]
    assert said[3].startswith("limit the role" if services else "attach daypass-fence-")
    done = replace(role, state=last)
    assert (plan(done).is_complete, status(done)) == (True, SetRoleStatus.READY)


def test_a_creation_continues_wherever_it_ended() -> None:
    steps = plan(MISSING).steps
    whole = list(states(MISSING, steps))

    for number, state in enumerate(whole[:-1], 1):
        rest = plan(replace(MISSING, state=state)).steps
        assert [step.sentence for step in rest] == [step.sentence for step in steps[number:]]
        assert status(replace(MISSING, state=state)) is SetRoleStatus.WRONG


def test_a_finished_role_does_not_get_back_what_an_operator_detached() -> None:
    role = existing(attached=arns("guards", "denies", "lists"), inline={"own": DENY})

    assert plan(role).is_complete
    assert status(role) is SetRoleStatus.READY


def test_an_unfinished_role_that_others_may_assume_gets_no_allowing_policies() -> None:
    (create, *_) = plan(MISSING).steps
    closed = after(None, create)
    federated = {"Effect": "Allow", "Principal": {"Federated": "x"}, "Action": "sts:AssumeRoleWithSAML"}
    state = replace(closed, trust=and_own(closed.trust or {}, federated))
    role = replace(MISSING, state=state)

    *_, last = states(role, plan(role).steps)

    assert set(last.attached) == set(arns("guards", "denies"))
    assert find_problem(last, role.wanted, PORTAL) == ""


OTHER_TRUST = trust_policy(f"{PORTAL}2", "e-1", "dev01")


@pytest.mark.parametrize(
    ("role", "operations"),
    [
        (existing(boundary_arn=None), ["put_role_permissions_boundary"]),
        (existing(tags=[("TENANT_NAME", "dev02")]), ["tag_role"]),
        (existing(tags=[("tenant_name", "dev01")]), ["untag_role", "tag_role"]),
        (existing(tags=[*GOOD.tags, ("Tenant_Name", "dev02")]), ["untag_role"]),
        (existing(attached=arns("denies")), ["attach_role_policy"]),
        (existing(trust=OTHER_TRUST), ["update_assume_role_policy"]),
        (existing(trust=None), ["update_assume_role_policy"]),
        (existing(["s3"]), ["put_role_policy"]),
        (existing(["s3"], inline={"services": services_policy(["sqs"])}), ["put_role_policy"]),
        (existing(inline={"services": services_policy(["sqs"])}), ["delete_role_policy"]),
        (existing(inline={"services": DENY}), []),
        (
            existing(
                ["s3"], boundary_arn=None, tags=[], attached=[], trust=OTHER_TRUST, inline={"own": DENY}
            ),
            [
                "put_role_permissions_boundary",
                "tag_role",
                "attach_role_policy",
                "attach_role_policy",
                "put_role_policy",
                "update_assume_role_policy",
            ],
        ),
    ],
)
def test_a_repair_changes_only_what_is_wrong(role: SetRoleInAccount, operations: list[str]) -> None:
    planned = plan(role)
    assert role.state is not None

    last = [role.state, *states(role, planned.steps)][-1]

    assert [step.operation for step in planned.steps] == operations
    assert find_problem(last, role.wanted, PORTAL) == ""
    kept = {name: one for name, one in role.state.inline.items() if name != "services"}
    assert kept.items() <= last.inline.items()


OWN_DENY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sts:AssumeRole",
    "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
}


def and_own(trust: Mapping[str, Any], deny: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trust policy with one more statement."""
    return {**trust, "Statement": [*policies.as_list(trust["Statement"]), deny]}


def test_a_repaired_trust_policy_keeps_the_operators_denies() -> None:
    role = existing(trust=and_own(OTHER_TRUST, OWN_DENY))

    (last,) = states(role, plan(role).steps)

    assert last.trust == and_own(trust_policy(PORTAL, "e-1", "dev01"), OWN_DENY)
    assert find_problem(last, role.wanted, PORTAL) == ""


def test_a_role_that_an_operator_closed_stays_closed() -> None:
    closed = {key: value for key, value in OWN_DENY.items() if key != "Condition"}
    role = existing(trust=and_own(trust_policy(PORTAL, "e-1", "dev01"), closed))

    planned = plan(role)

    assert planned.steps == []
    assert "denies sts:AssumeRole to the portal" in planned.obstacles[0]
    assert "update-assume-role-policy" in planned.obstacles[0]


def test_the_command_of_a_removed_tag_is_that_of_the_aws_cli() -> None:
    (step,) = plan(existing(tags=[*GOOD.tags, ("Tenant_Name", "dev02")])).steps

    assert step.command == f"aws iam untag-role --role-name {NAME} --tag-keys Tenant_Name"


LARGE = {"Statement": {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*" * 10_100}}


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (existing(attached=[*GOOD.attached, "arn:aws:iam::aws:policy/ReadOnlyAccess"]), "detach-role-policy"),
        (existing(inline={"own": ALLOW}), "delete-role-policy"),
        (existing(arn=ARN.replace("role/", "role/own/")), "is taken by"),
        (existing(["s3"], inline={"own": LARGE}), "would have 10,"),
        (existing(["s3"], inline={"services": DENY}), "another name"),
    ],
)
def test_what_may_be_an_operators_own_is_an_obstacle_and_stays(role: SetRoleInAccount, said: str) -> None:
    planned = plan(role)

    assert said in planned.obstacles[0]
    assert planned.steps == []


NO_PRINCIPAL = policies.document(
    {"Effect": "Allow", "Principal": {"AWS": [PORTAL, f"{PORTAL}2"]}, "Action": "sts:AssumeRole"}
)
OF_ACCOUNT = trust_policy(f"arn:aws:iam::{ACCOUNT.id}:root", "e-1", "dev01")
OLD_TRUST = policies.document(
    {"Effect": "Allow", "Principal": {"AWS": PORTAL}, "Action": list(policies.SESSION_ACTIONS)}
)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (
            replace(MISSING, tenant_role=replace(TENANT_ROLE, boundary_arn=ACCOUNT.boundary_arn)),
            "--tenant dev01",
        ),
        (replace(MISSING, tenant_role=replace(TENANT_ROLE, exists=False)), "not of generation 2"),
        (replace(MISSING, tenant_role=replace(TENANT_ROLE, trust=NO_PRINCIPAL)), "daypass portal doctor"),
        (replace(MISSING, tenant_role=replace(TENANT_ROLE, trust={})), "daypass portal doctor"),
        (replace(MISSING, tenant_role=replace(TENANT_ROLE, trust=OF_ACCOUNT)), "daypass portal doctor"),
        (OVERLAPPING, "the resources of dev01-x"),
    ],
)
def test_a_tenant_that_cannot_have_the_role_is_shown_with_the_reason(
    role: SetRoleInAccount, said: str
) -> None:
    planned = plan(role)

    (compared,) = planned.set_roles
    assert compared.status is SetRoleStatus.NOT_POSSIBLE
    assert said in compared.problems[0]
    assert planned.is_complete


@pytest.mark.parametrize("prefix", ["", "d", "daypass-", "daypass-set-", "daypass-set-x"])
def test_a_prefix_with_which_the_role_could_be_a_tenants_own_is_refused(prefix: str) -> None:
    account = Account.known("aws", ACCOUNT.id, prefix, "duplomaster")

    (compared,) = plan(MISSING, account).set_roles

    assert compared.status is SetRoleStatus.NOT_POSSIBLE
    assert "DAYPASS_ROLE_PREFIX" in compared.problems[0]


def test_people_read_the_state_of_each_role() -> None:
    account, good = AccountState(ACCOUNT, {}), existing()
    wrong = existing(boundary_arn=None)
    not_possible = OVERLAPPING
    unused = UnusedRole(ACCOUNT.role_arn("daypass-set-gone.support"), arns("guards"), ["own"])
    roles = SetRolesInAccount([good, MISSING, wrong, not_possible], [unused])

    text = plan_text(planning.plan(account, {}, set_roles=roles))

    shown = text.partition("Roles of permission sets\n")[2].partition("\n\n")[0].splitlines()
    assert shown[:3] == [f"  ✓ {NAME}", f"  + {NAME} is missing", f"  ! {NAME} is refused by the portal:"]
    assert shown[3].startswith(f"      The boundary of {ARN} is missing")
    assert shown[4] == f"  – {NAME} is not possible:"
    assert shown[6] == "  ? daypass-set-gone.support is used by no set or tenant; to delete it:"
    assert shown[-1] == "      aws iam delete-role --role-name daypass-set-gone.support"
    assert "Roles of permission sets" not in plan_text(planning.plan(account, {}))


def test_an_unused_role_loses_the_policies_that_deny_last() -> None:
    attached = arns("guards", "data", "denies", "lists")
    unused = UnusedRole(ACCOUNT.role_arn("daypass-set-gone.support"), attached, ["own"])

    (role,) = planning.plan(
        AccountState(ACCOUNT, {}), {}, set_roles=SetRolesInAccount([], [unused])
    ).set_roles

    removed = [command.rpartition(" ")[2].rpartition("-")[2] for command in role.commands]
    assert removed == ["data", "lists", "own", "guards", "denies", "gone.support"]


def test_the_principal_is_that_of_the_tenants_role_also_from_an_earlier_version() -> None:
    role = replace(MISSING, tenant_role=replace(TENANT_ROLE, trust=OLD_TRUST))

    *_, last = states(role, plan(role).steps)

    assert find_problem(last, role.wanted, PORTAL) == ""
