"""The IAM policies of the fence, generated from the catalogue.

All tenants of an account share the policies: `${aws:PrincipalTag/TENANT_NAME}` stands for the tag of the role
whose session makes the request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from daypass.portal.accounts.model import FENCE_POLICY_PREFIX, Account
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.model import AllowRule, DenyRule, PolicyName, Service
from daypass.portal.aws.policies import TENANT_TAG, Document, Statement, document, to_json

LARGEST_MANAGED_POLICY = 6144
"""The largest size of a managed policy in characters; IAM does not count white space."""

TENANT = "${aws:PrincipalTag/" + TENANT_TAG + "}"
"""The policy variable for the tenant of the session's role."""

_RESOURCE_TAG, _REQUEST_TAG = f"aws:ResourceTag/{TENANT_TAG}", f"aws:RequestTag/{TENANT_TAG}"
_TAGGED = {"StringEquals": {_RESOURCE_TAG: TENANT}}
_CREATED = {"StringEquals": {_REQUEST_TAG: TENANT}}

POLICIES: Sequence[PolicyName] = get_args(PolicyName)
_USUAL_POLICY: Mapping[str, PolicyName] = {
    "tag": "tagged",
    "create": "tagged",
    "condition": "tagged",
    "list": "lists",
}
# The tags by which Daypass and AWS recognise a tenant and a session.
_RESERVED_TAGS = (TENANT_TAG, "daypass:tenant", "daypass:issuance")
ALWAYS = ("sts:GetCallerIdentity", "tag:GetResources", "tag:GetTagKeys", "tag:GetTagValues")
"""The actions that belong to no service of the catalogue and that every session may use."""

NO_ACTION = "none:null"
"""The action of a statement without effect: IAM accepts no policy without statements."""


def policy_name(policy: PolicyName) -> str:
    """Return the name in IAM of a shared policy."""
    return f"{FENCE_POLICY_PREFIX}{policy}"


def fence(account: Account, services: Sequence[Service] | None = None) -> Mapping[PolicyName, Document]:
    """Return the shared policies of an account by name; a role has all of them attached."""
    offered = offered_services() if services is None else services
    return {policy: not_empty(*_statements(account, policy, offered)) for policy in POLICIES}


def policy_of(service: Service, rule: AllowRule) -> PolicyName:
    """Return the shared policy that has the rule."""
    return rule.policy or _USUAL_POLICY.get(rule.by, service.policy)


def not_empty(*statements: Statement) -> Document:
    """Return a policy of these statements, or one without effect if there are none."""
    return document(*(statements or ({"Effect": "Deny", "Action": NO_ACTION, "Resource": "*"},)))


def boundary(account: Account, services: Sequence[Service] | None = None) -> Document:
    """Return the permissions boundary of tenants' roles.

    Its Allow limits the policies of a role to the services of the catalogue. Its Deny statements also hold
    for a session whose ARN is named by a resource policy, which no Allow limits.
    """
    offered = offered_services() if services is None else services
    prefixes = sorted({prefix for service in offered for prefix in service.prefixes})
    actions = [*(f"{prefix}:*" for prefix in prefixes), "iam:PassRole", *ALWAYS]
    worst = [rule for service in offered for rule in service.deny if rule.in_boundary]
    return document(
        {"Sid": "Services", "Effect": "Allow", "Action": actions, "Resource": "*"},
        *_tag_guards(),
        *_denies(account, worst),
    )


def size(policy: Document) -> int:
    """Return the size of a policy in characters without white space, as IAM counts it."""
    return len("".join(to_json(policy).split()))


def resolve(text: str, account: Account, tenant: str = TENANT) -> str:
    """Return *text* with its placeholders replaced.

    They are `{partition}`, `{account}`, `{tenant}` for the tenant's name, and `{name}` for the prefix of the
    tenant's resources without its final dash.
    """
    replacements = {
        "{partition}": account.partition,
        "{account}": account.id,
        "{tenant}": tenant,
        "{name}": f"{account.role_prefix}{tenant}",
    }
    for placeholder, value in replacements.items():
        text = text.replace(placeholder, value)
    return text


def _statements(account: Account, policy: PolicyName, offered: Sequence[Service]) -> Iterable[Statement]:
    denied = [rule for service in offered for rule in service.deny]
    if policy == "guards":
        yield from _tag_guards()
        yield from _denies(account, [rule for rule in denied if rule.condition])
        return
    if policy == "denies":
        yield from _denies(account, [rule for rule in denied if not rule.condition])
        return
    if policy == "lists":
        yield {"Sid": "Always", "Effect": "Allow", "Action": list(ALWAYS), "Resource": "*"}
    yield from _allows(account, policy, offered)
    if policy == "tagged":
        yield _pass_role(account, offered)


@dataclass(slots=True)
class _Merged:
    """A statement that unites rules of several services: the ARNs of a service match its own actions only."""

    condition: Mapping[str, Any]
    actions: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)


def _allows(account: Account, policy: PolicyName, offered: Sequence[Service]) -> Iterable[Statement]:
    merged: dict[tuple[object, ...], _Merged] = {}
    for service in offered:
        # Two rules of one service stay apart: united, each would allow its actions on the other's resources.
        seen: dict[tuple[object, ...], int] = {}
        for rule in service.allow:
            if policy_of(service, rule) != policy:
                continue
            condition = _condition(account, rule)
            resources = [resolve(pattern, account) for pattern in rule.resources]
            kind = (to_json({"Condition": condition}), resources == ["*"])
            number = 0 if resources == ["*"] else seen.get(kind, 0)
            seen[kind] = number + 1
            statement = merged.setdefault((*kind, number), _Merged(condition))
            _extend(statement.actions, rule.actions)
            _extend(statement.resources, resources)
    for statement in merged.values():
        allow: Statement = {
            "Effect": "Allow",
            "Action": _one_or_list(statement.actions),
            "Resource": _one_or_list(statement.resources),
        }
        yield allow | {"Condition": statement.condition} if statement.condition else allow


def _condition(account: Account, rule: AllowRule) -> Mapping[str, Any]:
    own = _resolved(rule.condition, account)
    fixed: Mapping[str, Any] = {"tag": _TAGGED, "create": _CREATED}.get(rule.by, {})
    operators = [*fixed, *(operator for operator in own if operator not in fixed)]
    return {operator: {**fixed.get(operator, {}), **own.get(operator, {})} for operator in operators}


def _denies(account: Account, rules: Sequence[DenyRule]) -> Iterable[Statement]:
    merged: dict[str, _Merged] = {}
    for rule in rules:
        condition = _resolved(rule.condition, account)
        resources = [resolve(pattern, account) for pattern in rule.resources]
        statement = merged.setdefault(
            to_json({"c": condition, "r": resources}), _Merged(condition, [], resources)
        )
        _extend(statement.actions, rule.actions)
    for statement in merged.values():
        deny: Statement = {
            "Effect": "Deny",
            "Action": _one_or_list(statement.actions),
            "Resource": _one_or_list(statement.resources),
        }
        yield deny | {"Condition": statement.condition} if statement.condition else deny


def _tag_guards() -> Sequence[Statement]:
    """Return the Deny statements that protect the tenant's tag, in any case of letters of its key."""
    any_reserved = {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": list(_RESERVED_TAGS)}}
    return (
        # Without the tag on the role, the variable has no value, and a statement with it may be void.
        _deny("NoTenant", {"Null": {f"aws:PrincipalTag/{TENANT_TAG}": "true"}}),
        _deny(
            "OtherTenant",
            {"Null": {_RESOURCE_TAG: "false"}, "StringNotEquals": {_RESOURCE_TAG: TENANT}},
        ),
        # It denies removals too: their requests have keys without values, and a missing value does not equal
        # the tenant's name.
        _deny("OtherTag", any_reserved | {"StringNotEquals": {_REQUEST_TAG: TENANT}}),
    )


def _deny(sid: str, condition: Mapping[str, Any]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _pass_role(account: Account, offered: Sequence[Service]) -> Statement:
    principals = sorted({principal for service in offered for principal in service.passes_roles_to})
    return {
        "Sid": "OwnRoles",
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": [
            resolve(f"arn:{{partition}}:iam::{{account}}:role/{{name}}{rest}", account) for rest in ("", "-*")
        ],
        "Condition": {"StringEquals": {"iam:PassedToService": principals}},
    }


def _resolved(condition: Mapping[str, Mapping[str, str | Sequence[str]]], account: Account) -> dict[str, Any]:
    return {
        operator: {
            key: resolve(value, account)
            if isinstance(value, str)
            else [resolve(each, account) for each in value]
            for key, value in keys.items()
        }
        for operator, keys in condition.items()
    }


def _extend(texts: list[str], more: Iterable[str]) -> None:
    texts += [text for text in more if text not in texts]


def _one_or_list(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)
