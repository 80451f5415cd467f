"""No state of a role's migration allows more than its old and its new fence together."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import Step
from daypass.portal.aws import policies
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import TENANT as VARIABLE
from daypass.portal.aws.fence.rollout.account_state import RoleInAccount
from daypass.portal.aws.fence.rollout.order import changes
from daypass.portal.aws.fence.rollout.roles import migration
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES, shared_policies
from daypass.portal.aws.policies import Document, as_list, document
from daypass.portal.aws.tenant_role import TENANT_POLICY
from tests.evaluator.run import Request, Rights, decide
from tests.portal.aws.fence.rollout.catalogues import ACCOUNT, TENANT, documents, requests, seeded
from tests.portal.aws.fence.rollout.evaluation import RoleInAws, is_allowed

OWN = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
WANTED = shared_policies(ACCOUNT)
LIMIT = Generation.SHARED.boundary


def old_role(**inline: Document) -> RoleInAccount:
    """Return a tenant's role of the previous version, with further inline policies."""
    return RoleInAccount(
        tenant=TENANT,
        arn=ACCOUNT.role_arn(f"duploservices-{TENANT}"),
        is_own=False,
        boundary_arn=ACCOUNT.boundary_arn,
        boundary=policies.boundary(ACCOUNT),
        tags={policies.TENANT_TAG: TENANT},
        inline={TENANT_POLICY: policies.tenant_policy(ACCOUNT, TENANT), **inline},
    )


def by_hand(role: RoleInAccount, chance: random.Random) -> RoleInAccount:
    """Return the role after an operator took statements out of its policies."""

    def fewer(policy: Document | None) -> Document:
        return document(*(one for one in as_list((policy or {})["Statement"]) if chance.random() < 0.6))

    return replace(
        role,
        inline={name: fewer(policy) for name, policy in role.inline.items()},
        boundary=fewer(role.boundary) if chance.random() < 0.5 else None,
        boundary_arn=role.boundary_arn,
    )


def states(role: RoleInAccount, steps: Sequence[Step]) -> Iterator[RoleInAws]:
    """Yield the role's policies before the first step, and after each."""
    inline, attached, limit = dict(role.inline), dict(role.attached), role.boundary
    yield _state(inline, attached, limit)
    for step in steps:
        match step.operation, dict(step.parameters):
            case "attach_role_policy", {"PolicyArn": str(arn)}:
                attached[arn] = WANTED[arn.rpartition("/")[2]]
            case "put_role_policy", {"PolicyName": str(name), "PolicyDocument": str(text)}:
                inline[name] = json.loads(text)
            case "delete_role_policy", {"PolicyName": str(name)}:
                del inline[name]
            case "put_role_permissions_boundary", _:
                limit = WANTED[LIMIT]
            case operation, _:
                raise AssertionError(f"{operation} is no step of this role")
        yield _state(inline, attached, limit)


def _state(
    inline: Mapping[str, Document | None], attached: Mapping[str, Document | None], limit: Document | None
) -> RoleInAws:
    return RoleInAws([policy for policy in (*inline.values(), *attached.values()) if policy], limit)


@pytest.mark.parametrize("seed", range(6))
def test_on_the_way_a_role_may_do_no_more_than_before_or_after(seed: int) -> None:
    chance = seeded(seed)
    role = old_role(**({"own": OWN} if seed % 2 else {}))
    if seed >= 2:
        role = by_hand(role, chance)
    on_the_way = list(states(role, list(migration(ACCOUNT, role))))
    before, after = on_the_way[0], on_the_way[-1]
    old = {str(number): policy for number, policy in enumerate((*before.attached, before.boundary or OWN))}
    asked = requests(chance, 150, old, WANTED)

    assert after.boundary == WANTED[LIMIT]
    assert all(WANTED[name] in after.attached for name in FENCE_POLICY_NAMES)
    for number, during in enumerate(on_the_way):
        for one in asked:
            sides = is_allowed(before, one), is_allowed(after, one)
            if is_allowed(during, one):
                assert any(sides), f"after step {number}: {one}"
            else:
                assert not all(sides), f"after step {number}: {one}"


def test_denying_policies_come_first_and_old_allows_end_before_the_boundary_changes() -> None:
    # Without a Deny, and with more than the old boundary let through.
    wide = document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    role = replace(old_role(), inline={TENANT_POLICY: wide})
    planned = list(migration(ACCOUNT, role))
    steps = [step.operation for step in planned]

    attached = [str(step.parameters["PolicyArn"]) for step in planned if "PolicyArn" in step.parameters]
    assert [arn.rpartition("-")[2] for arn in attached[:2]] == ["guards", "denies"]
    assert steps.index("delete_role_policy") < steps.index("put_role_permissions_boundary")


def test_a_role_without_the_tag_gets_it_first() -> None:
    steps = list(migration(ACCOUNT, replace(old_role(), tags={})))

    assert steps[0].operation == "tag_role"
    assert steps[0].command == (
        "aws iam tag-role --role-name duploservices-dev01 --tags Key=TENANT_NAME,Value=dev01"
    )


def arn(service: str, resource: str) -> str:
    place = "" if service == "s3" else f"us-east-1:{ACCOUNT.id}"
    return f"arn:aws:{service}:{place or ':'}:{resource}"


_OF_TENANT = {"aws:ResourceTag/TENANT_NAME": TENANT}
_OF_OTHER = {"aws:ResourceTag/TENANT_NAME": "dev02"}
REQUESTS = [
    Request(action, resource, {"aws:PrincipalTag/TENANT_NAME": TENANT, **context})
    for action, resource, context in (
        ("sqs:SendMessage", arn("sqs", "duploservices-dev01-q"), {}),
        ("sqs:SendMessage", arn("sqs", "duploservices-dev02-q"), {}),
        ("sqs:AddPermission", arn("sqs", "duploservices-dev01-q"), {}),
        ("sns:Publish", arn("sns", "duploservices-dev01-t"), {}),
        ("dynamodb:GetItem", arn("dynamodb", "table/duploservices-dev01-t"), {}),
        ("dynamodb:GetItem", arn("dynamodb", "table/duploservices-dev02-t"), {}),
        ("lambda:InvokeFunction", arn("lambda", "function:duploservices-dev01-f"), {}),
        ("lambda:InvokeFunction", arn("lambda", "function:duploservices-dev02-f"), {}),
        ("lambda:AddPermission", arn("lambda", "function:duploservices-dev01-f"), {}),
        ("ec2:StopInstances", arn("ec2", "instance/i-1"), _OF_TENANT),
        ("ec2:StopInstances", arn("ec2", "instance/i-1"), _OF_OTHER),
        ("ec2:DescribeInstances", "*", {}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT.id}:role/duploservices-dev02", {}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT.id}:role/x", {}),
    )
]


def of_catalogue(path: Sequence[Mapping[str, Document]]) -> Sequence[RoleInAws]:
    """Return the role in each state of the shared policies."""
    return [
        RoleInAws([state[name] for name in FENCE_POLICY_NAMES if name in state], state.get(LIMIT))
        for state in path
    ]


def test_an_independent_evaluator_agrees() -> None:
    role = old_role()
    named = {service.name: service for service in offered_services()}
    open_lambda = named["lambda"].model_copy(update={"deny": ()})
    old, new = documents([named["ec2"], open_lambda]), documents([named["lambda"], named["sqs"]])
    shared = [old]
    for change in changes(old, new):
        shared.append({**shared[-1], change.name: change.document})
    paths = [list(states(role, list(migration(ACCOUNT, role)))), of_catalogue(shared)]
    # Levels change nothing for a session without one.
    paths[1] = [
        state for state, previous in zip(paths[1], [None, *paths[1]], strict=False) if state != previous
    ]

    decided = iter(decide([(_rights(state), one) for path in paths for state in path for one in REQUESTS]))

    for path in paths:
        rows = [[next(decided) for _ in REQUESTS] for _ in path]
        assert rows[0] != rows[-1]
        for row in rows:
            for one, before, during, after in zip(REQUESTS, rows[0], row, rows[-1], strict=True):
                assert before or after or not during, one
                assert during or not (before and after), one


def _rights(state: RoleInAws) -> Rights:
    statements = [one for policy in state.attached for one in as_list(policy["Statement"])]
    # The evaluator knows no variables in ARNs without a type.
    text = json.dumps([document(*statements), state.boundary]).replace(VARIABLE, TENANT)
    role, boundary = json.loads(text)
    return Rights(role, boundary)
