"""The services that a role's own policies would reach in all tenants once its boundary is the new one.

The boundary of generation 1 lets through six services, and that of generation 2 all of the catalogue. A
policy such as AWS's ReadOnlyAccess, attached by an operator, would then read the resources of all tenants:
the guards know other tenants only by their tags.
"""

from collections.abc import Iterator, Mapping, Sequence

from daypass.portal.accounts.model import Generation
from daypass.portal.aws.fence.documents import ALWAYS, TENANT
from daypass.portal.aws.fence.rollout.account_state import RoleInAccount
from daypass.portal.aws.fence.rollout.statements import Parsed, overlap, parsed
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import Document
from daypass.portal.aws.tenant_role import TENANT_POLICY


def gains(role: RoleInAccount, wanted: Mapping[str, Document]) -> Mapping[str, Sequence[str]]:
    """Return the patterns of actions that the boundary of *wanted* would let through anew, by policy.

    The inline policy of generation 1 is not among the policies, since the migration removes it.
    """
    if role.boundary is None:
        return {}
    today = [action for one in _allows(role.boundary) for action in one.actions]
    # A boundary with NotAction is an operator's own, and its patterns are what it leaves out.
    if any(one.all_actions_but for one in _allows(role.boundary)):
        return {}
    new = [
        action
        for one in _allows(wanted[Generation.SHARED.boundary])
        for action in sorted(one.actions)
        if action not in ALWAYS and not any(overlap(action, each) for each in today)
    ]
    found = {
        name: [action for action in new if any(_reaches(one, action, role.tenant) for one in _allows(policy))]
        for name, policy in _own(role)
    }
    return {name: actions for name, actions in found.items() if actions}


def _own(role: RoleInAccount) -> Iterator[tuple[str, Document | None]]:
    yield from ((name, policy) for name, policy in role.inline.items() if name != TENANT_POLICY)
    attached = ((arn.rpartition("/")[2], policy) for arn, policy in role.attached.items())
    yield from ((name, policy) for name, policy in attached if name not in FENCE_POLICY_NAMES)


def _allows(policy: Document | None) -> Sequence[Parsed]:
    return [one for one in parsed(policy) if not one.is_deny]


def _reaches(statement: Parsed, action: str, tenant: str) -> bool:
    """Return whether the statement allows the action on resources that it does not limit to the tenant."""
    allows = (
        action not in statement.actions
        if statement.all_actions_but
        else any(overlap(action, each) for each in statement.actions)
    )
    names = (tenant, TENANT)
    is_limited = any(name in statement.condition for name in names) or (
        not statement.all_resources_but
        and all(any(name in resource for name in names) for resource in statement.resources)
    )
    return allows and not is_limited
