"""The actions that a role's policies allow today, and that its new fence will deny."""

from collections.abc import Iterator, Mapping, Sequence

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import Loss
from daypass.portal.aws.fence.documents import TENANT
from daypass.portal.aws.fence.known_actions import matching_actions
from daypass.portal.aws.fence.rollout.account_state import RoleInAccount
from daypass.portal.aws.fence.rollout.statements import Parsed, covered, overlap, parsed
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import Document
from daypass.portal.aws.tenant_role import TENANT_POLICY

Reason = str


def losses(role: RoleInAccount, wanted: Mapping[str, Document]) -> Sequence[Loss]:
    """Return what stops working when the role gets the policies *wanted*, by policy, service and reason.

    Patterns of actions are compared; a condition that a request may or may not meet counts as met.
    """
    found: dict[tuple[str, str, Reason], set[str]] = {}
    for policy, statement in _present(role):
        for action in sorted(statement.actions):
            if not _works_today(role, action):
                continue
            for lost, reason in _lost(role, policy, statement, action, wanted):
                service = lost.partition(":")[0] if ":" in lost else "*"
                found.setdefault((policy, service, reason), set()).add(lost)
    return [
        Loss(role.tenant, role.arn, policy, service, sorted(actions), reason)
        for (policy, service, reason), actions in found.items()
    ]


def _present(role: RoleInAccount) -> Iterator[tuple[str, Parsed]]:
    """Yield the Allow statements of the role's own policies, each with the name of its policy."""
    shared = set(FENCE_POLICY_NAMES)
    for name, policy in role.inline.items():
        yield from ((name, statement) for statement in parsed(policy) if not statement.is_deny)
    for arn, policy in role.attached.items():
        name = arn.rpartition("/")[2]
        if name not in shared:
            yield from ((name, statement) for statement in parsed(policy) if not statement.is_deny)


def _works_today(role: RoleInAccount, action: str) -> bool:
    """Return whether the boundary and the service limit allow something of the action today."""
    for policy in role.inline.values():
        for one in parsed(policy):
            is_limit = (
                one.is_deny and one.all_actions_but and one.condition == "{}" and one.resources == {"*"}
            )
            if is_limit and not any(overlap(action, each) for each in one.actions):
                return False
    if role.boundary is None:
        return True
    limit = [one for one in parsed(role.boundary) if not one.is_deny]
    return any(one.all_actions_but or any(overlap(action, each) for each in one.actions) for one in limit)


def _lost(
    role: RoleInAccount, policy: str, statement: Parsed, action: str, wanted: Mapping[str, Document]
) -> Iterator[tuple[str, Reason]]:
    """Yield the patterns of *action* that will be denied, and the reason."""
    if statement.all_actions_but:
        yield "*", "it allows all actions but some; the boundary limits it to the services of the fence"
        return
    limit = [one for one in parsed(wanted[Generation.SHARED.boundary]) if not one.is_deny]
    within = [pattern for one in limit for pattern in one.actions if overlap(action, pattern)]
    if not within:
        yield action, "the boundary allows no action of it"
        return
    if not any(covered(action, [pattern]) for pattern in within):
        yield action, "the boundary allows a part of it only"
    if policy == TENANT_POLICY:
        yield from _not_replaced(role, statement, action, wanted)
    yield from _denied(role, action, wanted)


def _not_replaced(
    role: RoleInAccount, statement: Parsed, action: str, wanted: Mapping[str, Document]
) -> Iterator[tuple[str, Reason]]:
    """Yield what the inline policy allows and no attached policy will: the inline policy goes."""
    allows = [one for name in FENCE_POLICY_NAMES for one in parsed(wanted[name]) if not one.is_deny]
    near = [one for one in allows if any(overlap(action, pattern) for pattern in one.actions)]
    if not near:
        yield action, "no policy of the fence allows it"
        return
    full = [one for one in near if covered(action, one.actions)]
    if not full:
        yield action, "the fence allows a part of its actions only"
        return
    patterns = [
        pattern.replace(TENANT, role.tenant)
        for one in full
        if one.condition in {"{}", statement.condition}
        for pattern in one.resources
    ]
    service = action.partition(":")[0]
    ours = [resource for resource in statement.resources if _may_be_of(resource, service)]
    if not all(covered(resource, patterns, ignore_case=False) for resource in ours):
        yield action, "the fence allows it on other resources, or under a condition"


def _denied(role: RoleInAccount, action: str, wanted: Mapping[str, Document]) -> Iterator[tuple[str, Reason]]:
    """Yield what the fence denies on all resources and the role's present policies do not."""
    today = [
        pattern
        for policy in (*role.inline.values(), role.boundary)
        for one in parsed(policy)
        if one.is_deny and one.condition == "{}" and one.resources == {"*"} and not one.all_actions_but
        for pattern in one.actions
    ]
    for name in (*FENCE_POLICY_NAMES, Generation.SHARED.boundary):
        for one in parsed(wanted[name]):
            if not one.is_deny or one.condition != "{}" or one.resources != {"*"}:
                continue
            for pattern in one.actions:
                if overlap(action, pattern) and not _is_denied(action, pattern, today):
                    yield (action if covered(action, [pattern]) else pattern), "the fence denies it"


def _is_denied(action: str, pattern: str, today: Sequence[str]) -> bool:
    """Return whether *today* denies all actions that *action* and *pattern* match."""
    known = [each for each in matching_actions(pattern) if covered(each, [action])]
    return covered(pattern, today) or (bool(known) and all(covered(each, today) for each in known))


def _may_be_of(resource: str, service: str) -> bool:
    parts = resource.split(":")
    return resource == "*" or len(parts) < 3 or parts[2] in {service, "*"}
