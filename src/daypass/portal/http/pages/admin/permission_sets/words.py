"""Permission sets in words."""

from collections.abc import Mapping, Sequence

from daypass.portal.permission_sets.model import FULL, READ_ONLY, ManagedPolicy, PermissionSet, Statement

ONLY_TAKES_AWAY = (
    "A permission set can only take away from a tenant's full access. It never allows what the tenant's role "
    "does not."
)

WITHIN_THE_FENCE = (
    "The portal uses these roles only while they are within the fence of their tenants. Denials that an "
    "operator added to a tenant's own role by hand do not apply to them."
)


def limit(permission_set: PermissionSet) -> str:
    """Return what no session with this set exceeds, in sentences."""
    return WITHIN_THE_FENCE if permission_set.has_own_role else ONLY_TAKES_AWAY


def allowed(permission_set: PermissionSet) -> str:
    """Return what a set allows before its Deny statements, as a sentence."""
    if permission_set.name == FULL.name:
        return "Everything that the tenant's role allows."
    if permission_set.name == READ_ONLY.name:
        return (
            "Reads that change nothing for others. The policy daypass-level-read-only defines them in "
            "accounts where the portal has verified it. In other accounts it is AWS's ReadOnlyAccess, "
            "without the reads that have effects or return secrets, such as receiving messages of a queue."
        )
    if permission_set.has_own_role:
        return "What the set's own role in each tenant allows."
    if not permission_set.policies:
        return "Everything that the tenant's role allows, except for what is denied below."
    except_for = ", except for what is denied below" if permission_set.deny_statements else ""
    if len(permission_set.policies) == 1:
        return f"What both the tenant's role and this managed policy allow{except_for}."
    return f"What the tenant's role and at least one of these managed policies allow{except_for}."


def owner(policy: ManagedPolicy) -> str:
    """Return whose policy it is."""
    return "AWS" if policy.is_aws_managed else "The account of the tenant's role"


def denied(statement: Statement) -> str:
    """Return a Deny statement as a sentence."""
    if "Action" in statement:
        actions = _listed(statement["Action"], "Every action")
    else:
        actions = f"Every action except {_listed(statement['NotAction'], 'everything')}"
    if "Resource" in statement:
        resources = _listed(statement["Resource"], "every resource")
    else:
        resources = f"every resource except {_listed(statement['NotResource'], 'everything')}"
    conditions = _conditions(statement.get("Condition", {}))
    return f"{actions} on {resources}{f', if {conditions}' if conditions else ''}."


def _listed(patterns: str | Sequence[str], every: str) -> str:
    found = _as_list(patterns)
    return every if "*" in found else ", ".join(found)


def _conditions(condition: Mapping[str, Mapping[str, str | Sequence[str]]]) -> str:
    return " and ".join(
        f"{key} {operator} {' or '.join(_as_list(values))}"
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _as_list(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values
