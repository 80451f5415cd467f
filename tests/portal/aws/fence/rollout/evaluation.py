"""A small evaluator of IAM policies, for properties over many requests and states."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from daypass.portal.aws.policies import Document, as_list

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One request; `context` has the keys in lower case, with all values as lists."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleInAws:
    """The policies that decide on the requests of a role's session."""

    attached: Sequence[Document]
    boundary: Document | None = None
    level: Document | None = None


def is_allowed(role: RoleInAws, asked: Asked) -> bool:
    """Return whether AWS allows the request: role and boundary and session policy, and no Deny anywhere."""
    effects = [[effects_of(policy, asked) for policy in role.attached]]
    effects += [[effects_of(limit, asked)] for limit in (role.boundary, role.level) if limit is not None]
    if any("Deny" in each for limit in effects for each in limit):
        return False
    return all(any("Allow" in each for each in limit) for limit in effects)


_known: dict[tuple[int, Asked], tuple[Document, set[object]]] = {}


def effects_of(policy: Document, asked: Asked) -> set[object]:
    """Return the effects of the policy's statements that apply to the request."""
    # Most policies are the same in most states. Keeping them keeps their ids from other policies.
    key = id(policy), asked
    if key not in _known:
        applying = {one["Effect"] for one in as_list(policy["Statement"]) if _matches(one, asked)}
        _known[key] = policy, applying
    return _known[key][1]


def _matches(statement: Mapping[str, object], asked: Asked) -> bool:
    if "NotAction" in statement:
        if _any(statement["NotAction"], asked.action.lower(), asked.context, str.lower):
            return False
    elif not _any(statement["Action"], asked.action.lower(), asked.context, str.lower):
        return False
    if not _any(statement.get("Resource", "*"), asked.resource, asked.context):
        return False
    conditions = statement.get("Condition") or {}
    assert isinstance(conditions, Mapping)
    return all(
        _holds(operator, key, as_list(values), asked.context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _any(patterns: object, text: str, context: Context, prepared: Callable[[str], str] = str) -> bool:
    resolved = tuple(prepared(_resolved(pattern, context)) for pattern in as_list(patterns))
    return _one_of(resolved).fullmatch(text) is not None


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    present = context.get(key.lower())
    wanted = [_resolved(value, context) for value in wanted]
    if operator == "Null":
        return (present is None) == (wanted == ["true"])
    quantifier, _, name = operator.rpartition(":")
    is_optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negative = name.startswith("StringNot") or name in {"ArnNotLike", "ArnNotEquals"}
    if present is None:
        return quantifier != "ForAnyValue" and (is_optional or negative or quantifier == "ForAllValues")
    met = [_compares(name, value, wanted) for value in present]
    return any(met) if quantifier == "ForAnyValue" else all(met)


def _compares(name: str, value: str, wanted: Sequence[str]) -> bool:
    if name in {"StringEquals", "Bool", "ArnEquals"}:
        return value in wanted
    if name == "StringNotEquals":
        return value not in wanted
    if name == "StringEqualsIgnoreCase":
        return value.lower() in {one.lower() for one in wanted}
    if name == "StringNotEqualsIgnoreCase":
        return value.lower() not in {one.lower() for one in wanted}
    if name in {"StringLike", "ArnLike"}:
        return any(_fits(one, value) for one in wanted)
    if name in {"StringNotLike", "ArnNotLike"}:
        return not any(_fits(one, value) for one in wanted)
    raise AssertionError(f"the evaluator does not know {name}")


def _resolved(text: str, context: Context) -> str:
    if "${" not in text:
        return text

    def value(variable: re.Match[str]) -> str:
        # A variable without a value matches nothing.
        return "".join(context.get(variable[1].lower(), ["\0"]))

    return re.sub(r"\$\{([^}]+)\}", value, text)


def _fits(pattern: str, text: str) -> bool:
    return _one_of((pattern,)).fullmatch(text) is not None


@cache
def _one_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    each = ["".join(wildcards.get(one, re.escape(one)) for one in pattern) for pattern in patterns]
    return re.compile("|".join(each))
