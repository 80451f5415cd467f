"""No state on the way from one catalogue to another allows more than both of them together."""

import random
from collections.abc import Iterator, Mapping, Sequence

import pytest

from daypass.portal.accounts.model import LEVEL_POLICY_PREFIX, Generation
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import LARGEST_MANAGED_POLICY, policy_name, size
from daypass.portal.aws.fence.rollout.order import (
    Change,
    TooLarge,
    changes,
    changes_back,
    changes_with_pause,
)
from daypass.portal.aws.fence.rollout.statements import covered, equal, parsed
from daypass.portal.aws.policies import Document, document
from tests.portal.aws.fence.rollout.catalogues import (
    documents,
    requests,
    seeded,
    some_services,
    variations,
    varied,
)
from tests.portal.aws.fence.rollout.evaluation import Asked, RoleInAws, is_allowed

Policies = Mapping[str, Document]
LEVEL = f"{LEVEL_POLICY_PREFIX}read-only"
# A policy that an operator attached: the boundary and the Denies alone limit it.
OWN = document({"Effect": "Allow", "Action": "*", "Resource": "*"})


def roles(policies: Policies) -> Sequence[RoleInAws]:
    """Three kinds of sessions: of a portal's role, of one with an own policy, and narrowed by a level."""
    attached = [
        policy
        for name, policy in policies.items()
        if name != Generation.SHARED.boundary and not name.startswith(LEVEL_POLICY_PREFIX)
    ]
    limit = policies.get(Generation.SHARED.boundary)
    return [
        RoleInAws(attached, limit),
        RoleInAws([*attached, OWN], limit),
        RoleInAws(attached, limit, policies.get(LEVEL)),
    ]


def states(current: Policies, steps: Sequence[Change]) -> Iterator[Policies]:
    """Yield the policies before the first change, and after each."""
    now = dict(current)
    yield dict(now)
    for step in steps:
        now[step.name] = step.document
        yield dict(now)


def too_wide(old: Policies, new: Policies, steps: Sequence[Change], asked: Sequence[Asked]) -> list[str]:
    """Return the requests that some state allows, and neither the old nor the new policies."""
    suspects = [
        [request for request in asked if not is_allowed(before, request) and not is_allowed(after, request)]
        for before, after in zip(roles(old), roles(new), strict=True)
    ]
    return [
        f"after step {number}: {request}"
        for number, state in enumerate(states(old, steps))
        for role, denied in zip(roles(state), suspects, strict=True)
        for request in denied
        if is_allowed(role, request)
    ]


def changed_by_hand(policies: Policies, chance: random.Random) -> Policies:
    """Return the policies of an account in which an operator took statements out."""
    changed = dict(policies)
    for name in chance.sample(sorted(policies), 3):
        statements = policies[name]["Statement"]
        assert isinstance(statements, list)
        kept = [statement for statement in statements if chance.random() < 0.6]
        changed[name] = document(*kept)
    return changed


@pytest.mark.parametrize("seed", range(6))
def test_no_state_between_two_catalogues_allows_more_than_both_together(seed: int) -> None:
    chance = seeded(seed)
    old, new = variations(chance)
    if seed % 3 == 0:
        old = dict(changed_by_hand(old, chance))
    steps = changes(old, new)

    assert all(equal(list(states(old, steps))[-1][name], policy) for name, policy in new.items())
    assert all(size(step.document) <= LARGEST_MANAGED_POLICY for step in steps)
    asked = requests(chance, 100, old, new)
    assert too_wide(old, new, steps, asked) == []
    assert too_wide(new, old, changes_back(old, new), asked) == []
    assert too_wide(old, new, changes_with_pause(old, new), asked) == []


def test_these_requests_find_an_unsafe_order() -> None:
    found = []
    for seed in range(4):
        chance = seeded(seed)
        old, new = variations(chance)
        direct = [Change(name, policy, "") for name, policy in new.items()]
        chance.shuffle(direct)
        found += too_wide(old, new, direct, requests(chance, 60, old, new))

    assert found


def test_the_catalogue_has_the_properties_that_the_order_relies_on() -> None:
    policies = documents(offered_services())
    limit = parsed(policies.pop(Generation.SHARED.boundary))
    attached = [
        statement
        for name, policy in policies.items()
        if not name.startswith(LEVEL_POLICY_PREFIX)
        for statement in parsed(policy)
    ]
    within = [action for statement in limit if not statement.is_deny for action in statement.actions]

    assert not [
        action
        for statement in attached
        if not statement.is_deny
        for action in statement.actions
        if not covered(action, within)
    ]
    assert not [
        statement
        for statement in limit
        if statement.is_deny and not any(one.covers(statement) for one in attached)
    ]


DATA, GUARDS, LIMIT = policy_name("data"), policy_name("guards"), Generation.SHARED.boundary
Sides = Mapping[str, str | list[str]]
# The allowed actions of a policy, of the boundary and of a level, and the denied ones, before and after; the
# request that neither side allows; the policies in the order in which they change; and an unsafe order.
MOVES: Mapping[str, tuple[Sides, Sides, str, list[str], list[str]]] = {
    "a deny comes before the allow that needs it": (
        {DATA: "sqs:Get*", LIMIT: "sqs:*", GUARDS: "x:y"},
        {DATA: "sqs:*", LIMIT: "sqs:*", GUARDS: "sqs:AddPermission"},
        "sqs:AddPermission",
        [GUARDS, DATA, GUARDS],
        [DATA, GUARDS],
    ),
    "a deny goes after the allow that needs it": (
        {DATA: "sqs:*", LIMIT: "sqs:*", GUARDS: "sqs:AddPermission"},
        {DATA: "sqs:Get*", LIMIT: "sqs:*", GUARDS: "x:y"},
        "sqs:AddPermission",
        [GUARDS, DATA, GUARDS],
        [GUARDS, DATA],
    ),
    "the boundary opens after the allow that it held back is gone": (
        {DATA: "sqs:*", LIMIT: "sqs:Get*", GUARDS: "x:y"},
        {DATA: ["sqs:Get*", "lambda:*"], LIMIT: ["sqs:*", "lambda:*"], GUARDS: "x:y"},
        "sqs:SendMessage",
        [DATA, LIMIT],
        [LIMIT, DATA],
    ),
    "a deny goes after the boundary that takes its place": (
        {DATA: "sqs:*", LIMIT: ["sqs:*", "lambda:*"], GUARDS: "lambda:*"},
        {DATA: "sqs:*", LIMIT: "sqs:*", GUARDS: "x:y"},
        "lambda:Invoke",
        [GUARDS, LIMIT, GUARDS],
        [GUARDS, LIMIT],
    ),
    "a level loses an action before the roles gain it": (
        {DATA: "sqs:Get*", LIMIT: "sqs:*", LEVEL: "sqs:*", GUARDS: "x:y"},
        {DATA: "sqs:*", LIMIT: "sqs:*", LEVEL: "sqs:Get*", GUARDS: "x:y"},
        "sqs:SendMessage",
        [LEVEL, DATA],
        [DATA, LEVEL],
    ),
    "a level gains an action after the roles lost it": (
        {DATA: "sqs:*", LIMIT: "sqs:*", LEVEL: "sqs:Get*", GUARDS: "x:y"},
        {DATA: "sqs:Get*", LIMIT: "sqs:*", LEVEL: "sqs:*", GUARDS: "x:y"},
        "sqs:SendMessage",
        [DATA, LEVEL],
        [LEVEL, DATA],
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_each_part_of_the_order_is_necessary(move: str) -> None:
    before, after, action, order, unsafe = MOVES[move]
    old, new = (
        {
            name: document(
                {"Effect": "Deny" if name == GUARDS else "Allow", "Action": actions, "Resource": "*"}
            )
            for name, actions in side.items()
        }
        for side in (before, after)
    )
    steps = changes(old, new)
    asked = [Asked(action, "arn:aws:sqs:us-east-1:123456789012:duploservices-dev01-q")]

    assert [step.name for step in steps] == order
    assert too_wide(old, new, steps, asked) == []
    assert too_wide(old, new, [Change(name, new[name], "") for name in unsafe], asked) != []


@pytest.mark.parametrize("seed", range(3))
def test_requests_that_both_allow_stay_allowed_unless_a_statement_moves(seed: int) -> None:
    chance = seeded(seed)
    services = varied(some_services(chance), chance)
    # The same services, in the same policies, with other rules.
    old = documents(services)
    new = documents([service.model_copy(update={"deny": service.deny[:1]}) for service in services])
    asked = requests(chance, 80, old, new)

    for state in states(old, changes(old, new)):
        for before, during, after in zip(roles(old), roles(state), roles(new), strict=True):
            for request in asked:
                if is_allowed(before, request) and is_allowed(after, request):
                    assert is_allowed(during, request), request


def test_a_release_that_only_adds_services_changes_each_policy_once() -> None:
    services = offered_services()
    old, new = documents(services[1:]), documents(services)
    names = [step.name for step in changes(old, new)]

    assert len(names) == len(set(names))
    assert set(names) == {name for name in new if not equal(old[name], new[name])}
    assert changes(new, new) == []


def test_an_account_without_the_policies_gets_each_of_them_once() -> None:
    wanted = documents(offered_services())

    steps = changes({}, wanted)

    assert {step.name: step.document for step in steps} == wanted
    assert len(steps) == len(wanted)


def test_contents_on_the_way_that_are_too_large_are_refused() -> None:
    name = policy_name("guards")
    old, new = documents(offered_services()), documents(offered_services())
    for policies, letter in ((old, "a"), (new, "b")):
        long = [f"sqs:{letter}{number:09}" for number in range(300)]
        policies[name] = document({"Effect": "Deny", "Action": long, "Resource": "*"})

    with pytest.raises(TooLarge, match=f"{name} has to deny"):
        changes(old, new)
    assert changes_with_pause(old, new)[-1] == Change(name, new[name], "new contents")
