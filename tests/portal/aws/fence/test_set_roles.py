"""The rights to the roles of permission sets, and of their sessions, decided by an IAM evaluator."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from daypass.portal.accounts.model import set_role_name
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import POLICIES, TENANT, fence
from daypass.portal.aws.fence.model import PolicyName
from daypass.portal.aws.policies import as_list, document
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, decide, writing_actions
from tests.portal.aws.fence.rights import ACCOUNT, Case, derived, rights, tagged

OWN, NEIGHBOUR, LONGER = (
    ACCOUNT.role_arn(set_role_name(tenant, "support")) for tenant in ("dev01", "dev02", "dev01-x")
)
SESSION = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{set_role_name('dev01', 'support')}/dana@example.com"


def on_role(role: str) -> Sequence[Request]:
    """Return every request of IAM that changes a role or gives it away, also for a role tagged dev01."""
    changes = [action for action, kinds in writing_actions("iam") if "role" in kinds]
    assert {"iam:CreateRole", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"} <= set(changes)
    passing = [
        Request("iam:PassRole", role, _context({"iam:PassedToService": f"{service}.amazonaws.com"}))
        for service in ("lambda", "ec2", "ecs-tasks", "states", "glue")
    ]
    sessions = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    return [*passing, *(Request(action, role, _context({})) for action in (*changes, *sessions))]


def _context(more: dict[str, str]) -> dict[str, str]:
    return {"aws:PrincipalTag/TENANT_NAME": "dev01", **tagged("dev01"), **more}


def of_set(action: str, without: PolicyName | None = None) -> Rights:
    """Return the rights of a session of the set's role, of which a policy was detached."""
    whole = rights(action)
    attached = [
        statement
        for name, policy in fence(ACCOUNT).items()
        if name != without
        for statement in as_list(json.loads(json.dumps(policy).replace(TENANT, "dev01"))["Statement"])
    ]
    kept = [
        one
        for one in as_list(whole.role["Statement"])
        if any(one == each | {"Action": one["Action"]} for each in attached)
    ]
    return replace(whole, role=document(*kept), principal=SESSION)


def sample() -> Sequence[Case]:
    """Return a request that is allowed and two that are denied, of each service."""
    found: list[Case] = []
    for service in offered_services():
        cases = [case for example in service.examples for case in derived(example)]
        found += islice((case for case in cases if case.is_allowed), 1)
        found += islice((case for case in cases if not case.is_allowed), 2)
    return found


def test_no_session_of_a_tenant_reaches_the_roles_of_permission_sets() -> None:
    requests = [request for role in (OWN, NEIGHBOUR, LONGER) for request in on_role(role)]
    sessions: list[Callable[[str], Rights]] = [rights, of_set]

    outcomes = decide([(session(request.action), request) for session in sessions for request in requests])

    assert not any(outcomes)


def test_a_tenants_own_role_may_be_passed_so_the_requests_above_could_be_allowed() -> None:
    (request, *_) = on_role(ACCOUNT.role_arn("duploservices-dev01"))

    assert decide([(session("iam:PassRole"), request) for session in (rights, of_set)]) == [True, True]


def test_with_all_policies_a_role_has_the_rights_of_the_tenant() -> None:
    cases = sample()

    outcomes = decide([(of_set(case.request.action), case.request) for case in cases])

    assert len(cases) > 100
    differing = [
        case.name for case, outcome in zip(cases, outcomes, strict=True) if outcome != case.is_allowed
    ]
    assert differing == []


def test_without_an_allowing_policy_a_role_has_less() -> None:
    cases = [case for case in sample() if case.is_allowed]
    allowing: list[PolicyName] = [name for name in POLICIES if name not in {"guards", "denies"}]
    attempts = [(name, case) for name in allowing for case in cases]

    outcomes = decide([(of_set(case.request.action, name), case.request) for name, case in attempts])

    kept = dict.fromkeys(allowing, 0)
    for (name, _), outcome in zip(attempts, outcomes, strict=True):
        kept[name] += outcome
    # The policy `lists` allows reads of names only, which are no examples.
    assert {name for name in allowing if kept[name] < len(cases)} == set(allowing) - {"lists"}
    assert all(kept.values())
