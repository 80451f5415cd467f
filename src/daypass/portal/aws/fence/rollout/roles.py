"""The calls to IAM that give a tenant's role the fence of generation 2.

After each call, a request that is allowed was allowed before the first, or will be after the last:

1. The tag: without it, the guards deny everything.
2. The policies that deny are attached: less is allowed than before.
3. The policies that allow are attached: of what they allow, the old boundary lets through a part.
4. Of the inline policy, only its Denies are kept.
5. The new boundary: the role's policies allow nothing by now that the new fence does not.
6. The rest of the inline policy goes.
"""

from collections.abc import Iterator, Mapping, Sequence

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.rollout import Step
from daypass.portal.aws import policies
from daypass.portal.aws.fence.documents import policy_name
from daypass.portal.aws.fence.rollout.account_state import RoleInAccount
from daypass.portal.aws.fence.rollout.gains import gains
from daypass.portal.aws.fence.rollout.statements import parse
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import TENANT_TAG, Document, as_list, document, to_json
from daypass.portal.aws.tenant_role import TENANT_POLICY

MOST_ATTACHED = 10
"""The number of policies that a role may have unless AWS raised the account's quota."""

_SHOWN = 5
_DENYING = (policy_name("guards"), policy_name("denies"))


def obstacle(account: Account, role: RoleInAccount, wanted: Mapping[str, Document]) -> str | None:
    """Return the reason for which the role cannot get the fence, as a sentence; None if it can."""
    if not role.exists:
        return f"{role.tenant}: there is no role {role.arn}. `daypass portal doctor` prints how to create it."
    if role.tenant_tag not in {None, role.tenant}:
        return (
            f"{role.tenant}: the tag {TENANT_TAG} of {role.arn} names {role.tenant_tag}, whose resources the "
            "shared policies would open. Correct the tag, or give the tenant a role of its own."
        )
    inline = role.inline.get(TENANT_POLICY)
    if inline is not None and policies.is_nothing(inline):
        return (
            f"{role.tenant}: {role.arn} has no rights, since they were taken when a tenant was deleted. "
            "`daypass portal doctor` prints how to restore them."
        )
    more = [arn for arn in role.attached if arn not in _fence_arns(account)]
    if len(more) + len(FENCE_POLICY_NAMES) > MOST_ATTACHED:
        return (
            f"{role.tenant}: {role.arn} has {len(more)} policies of its own, and the fence adds "
            f"{len(FENCE_POLICY_NAMES)}; a role may have {MOST_ATTACHED}. Detach some of them."
        )
    if found := gains(role, wanted):
        name, actions = next(iter(found.items()))
        others = f" and {len(actions) - _SHOWN} more" if len(actions) > _SHOWN else ""
        return (
            f"{role.tenant}: {role.arn} has the policy {name}, which the present boundary keeps from "
            f"{', '.join(actions[:_SHOWN])}{others}. The new one would let it through, also to the resources "
            "of other tenants. Detach the policy, or limit its resources to the tenant."
        )
    return None


def differences(account: Account, role: RoleInAccount) -> Sequence[str]:
    """Return the differences from a role of generation 2, as sentences."""
    if not role.exists:
        return [f"There is no role {role.arn}."]
    found = []
    if role.tenant_tag != role.tenant:
        found.append(f"The tag {TENANT_TAG} is {role.tenant_tag or 'missing'}.")
    missing = [arn.rpartition("/")[2] for arn in _fence_arns(account) if arn not in role.attached]
    if missing:
        found.append(f"Not attached: {', '.join(missing)}.")
    if role.boundary_arn != account.boundary_of(Generation.SHARED):
        found.append(f"The boundary is {role.boundary_arn or 'missing'}.")
    if TENANT_POLICY in role.inline:
        found.append(f"The inline policy “{TENANT_POLICY}” of generation 1 is still there.")
    return found


def migration(account: Account, role: RoleInAccount) -> Iterator[Step]:
    """Yield the calls, in a safe order; none for a role that has the fence. The role has no `obstacle`."""
    if role.tenant_tag is None:
        yield Step(
            "tag_role",
            {"RoleName": role.name, "Tags": [{"Key": TENANT_TAG, "Value": role.tenant}]},
            f"{role.name}: set the tag {TENANT_TAG}",
            "the shared policies take the tenant from it, and deny everything without it",
        )
    for name in (*_DENYING, *(name for name in FENCE_POLICY_NAMES if name not in _DENYING)):
        arn = account.policy_arn(name)
        if arn not in role.attached:
            reason = (
                "deny more before anything is allowed" if name in _DENYING else "allow what the fence allows"
            )
            yield Step(
                "attach_role_policy",
                {"RoleName": role.name, "PolicyArn": arn},
                f"{role.name}: attach {name}",
                reason,
            )
    denies = _denies(role.inline.get(TENANT_POLICY))
    if TENANT_POLICY in role.inline and denies != as_list(
        (role.inline[TENANT_POLICY] or {}).get("Statement")
    ):
        yield from _without_allows(role, denies)
    if role.boundary_arn != account.boundary_of(Generation.SHARED):
        yield Step(
            "put_role_permissions_boundary",
            {"RoleName": role.name, "PermissionsBoundary": account.boundary_of(Generation.SHARED)},
            f"{role.name}: switch to the boundary {Generation.SHARED.boundary}",
            "the attached policies stay within it",
        )
    if denies:
        yield _delete_inline(role, "the attached policies and the boundary deny what has to be denied")


def _without_allows(role: RoleInAccount, denies: Sequence[Document]) -> Iterator[Step]:
    if not denies:
        yield _delete_inline(role, "the attached policies replace it")
        return
    yield Step(
        "put_role_policy",
        {
            "RoleName": role.name,
            "PolicyName": TENANT_POLICY,
            "PolicyDocument": to_json(document(*denies)),
        },
        f"{role.name}: keep only the Deny statements of the inline policy “{TENANT_POLICY}”",
        "the new boundary may let through more of its Allow statements than the old one",
    )


def _delete_inline(role: RoleInAccount, reason: str) -> Step:
    return Step(
        "delete_role_policy",
        {"RoleName": role.name, "PolicyName": TENANT_POLICY},
        f"{role.name}: delete the inline policy “{TENANT_POLICY}”",
        reason,
    )


def _denies(policy: Mapping[str, object] | None) -> Sequence[Document]:
    return [statement for statement in as_list((policy or {}).get("Statement")) if parse(statement).is_deny]


def _fence_arns(account: Account) -> Sequence[str]:
    return [account.policy_arn(name) for name in FENCE_POLICY_NAMES]
