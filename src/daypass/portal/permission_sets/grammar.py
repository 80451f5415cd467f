"""The grammar of custom permission sets: their names, policies and Deny statements.

A set can only take access away: every statement of its own must deny.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daypass.portal.errors import InvalidRequest
from daypass.portal.permission_sets.model import (
    BUILT_IN,
    HIGHEST_RANK,
    LOWEST_RANK,
    ManagedPolicy,
    PermissionSet,
)
from daypass.portal.permission_sets.rendering import check_size

ActionCheck = Callable[[str], bool]
"""Returns whether a pattern such as `s3:Get*` matches at least one action that AWS has."""

LONGEST_NAME = 32
LONGEST_NAME_WITH_ROLE = 19
"""With it, and the longest name of a tenant, `set_role_name` has IAM's 64 characters."""
LONGEST_DESCRIPTION = 500
MAX_STATEMENTS = 20

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_POLICY = re.compile(r"(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}")
_LONGEST_POLICY = 512
_ACTION = re.compile(r"\*|[a-z0-9-]{1,64}:[A-Za-z0-9*?]{1,128}")
_RESOURCE = re.compile(r"\*|arn:[a-z*-]+:[a-z0-9*-]+:[a-z0-9*?-]*:[0-9*?]*:[!-~]{1,512}")
_VARIABLE = re.compile(r"\$\{[^}]*\}?")
# A variable without a value voids its statement, and every session has a value for this tag of its role.
_VARIABLES = frozenset({"${aws:PrincipalTag/TENANT_NAME}"})
_CONDITION_KEY = re.compile(r"[a-z0-9-]{1,64}:[A-Za-z0-9/_.:+=@-]{1,128}")
_VALUE = re.compile(r"[ -~]{0,256}")
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_SHOWN = 60

_ELEMENTS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_TYPES = {
    "String": ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
    "Arn": ("Equals", "NotEquals", "Like", "NotLike"),
    "Numeric": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
    "Date": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
}
_BASES = frozenset(
    {"Bool", "IpAddress", "NotIpAddress", *(kind + test for kind, tests in _TYPES.items() for test in tests)}
)
_OPERATORS = frozenset(
    prefix + base + suffix
    for prefix in ("", "ForAnyValue:", "ForAllValues:")
    for base in _BASES
    for suffix in ("", "IfExists")
) | {"Null"}


def any_action(_pattern: str) -> bool:
    """Accept every pattern: the check of a portal that has no table of AWS's actions."""
    return True


def check_name(name: str) -> None:
    """Raise `InvalidRequest` unless a custom set may have *name*."""
    if not (2 <= len(name) <= LONGEST_NAME and _NAME.fullmatch(name)):
        raise InvalidRequest(
            f"A permission set's name has 2 to {LONGEST_NAME} lower-case letters, digits and single dashes, "
            "beginning with a letter."
        )
    if name in BUILT_IN:
        raise InvalidRequest(f"“{name}” is a built-in permission set, which cannot be changed.")


def check_name_with_role(name: str) -> None:
    """Raise `InvalidRequest` if *name* is too long for a set with a role of its own."""
    if len(name) > LONGEST_NAME_WITH_ROLE:
        raise InvalidRequest(
            f"The name of a permission set with a role of its own has at most {LONGEST_NAME_WITH_ROLE} "
            "characters, because it is a part of the role's name."
        )


def check(permission_set: PermissionSet) -> None:
    """Raise `InvalidRequest` unless *permission_set* is a valid custom set; its denies have been parsed."""
    check_name(permission_set.name)
    if len(permission_set.description) > LONGEST_DESCRIPTION or not permission_set.description.isprintable():
        raise InvalidRequest(f"A description is one line of at most {LONGEST_DESCRIPTION} characters.")
    check_rank(permission_set.rank)
    if permission_set.has_own_role:
        _check_own_role(permission_set)
    else:
        check_size(permission_set)


def _check_own_role(permission_set: PermissionSet) -> None:
    check_name_with_role(permission_set.name)
    if not permission_set.is_only_a_role:
        raise InvalidRequest(
            "A permission set with a role of its own has no policies and no Deny statements. Add them to the "
            "role in AWS, or use the tenants' own roles."
        )


def check_rank(rank: int) -> None:
    """Raise `InvalidRequest` unless a custom set may have *rank*."""
    if not LOWEST_RANK < rank < HIGHEST_RANK:
        raise InvalidRequest(
            f"A rank is a number from {LOWEST_RANK + 1} to {HIGHEST_RANK - 1}: “read-only” is below, and "
            "“full” above."
        )


def policies_of(texts: Sequence[str]) -> tuple[ManagedPolicy, ...]:
    """Return the managed policies with these names; raises `InvalidRequest` for any other text."""
    policies = tuple(ManagedPolicy.parse(text) for text in texts)
    for text, policy in zip(texts, policies, strict=True):
        if len(policy.name) > _LONGEST_POLICY or not _POLICY.fullmatch(policy.name):
            raise InvalidRequest(
                f"{_quoted(text)} is not a managed policy. Write NAME for a policy of the role's account and "
                "aws:NAME for one of AWS, with its path, such as aws:job-function/ViewOnlyAccess."
            )
    if len(set(policies)) < len(policies):
        raise InvalidRequest("A policy is named twice.")
    return policies


def denies_text(statements: Sequence[object], is_known_action: ActionCheck) -> str:
    """Return Deny statements as compact JSON with its elements in one order.

    Raises `InvalidRequest`, with the number of the statement, if one is not valid or does not deny.
    """
    if len(statements) > MAX_STATEMENTS:
        raise InvalidRequest(f"A permission set has at most {MAX_STATEMENTS} Deny statements.")
    parsed = []
    for number, statement in enumerate(statements, 1):
        try:
            parsed.append(deny_statement(statement, is_known_action))
        except InvalidRequest as refusal:
            raise InvalidRequest(f"Deny statement {number}: {refusal.reason}") from refusal
    sids = [each["Sid"] for each in parsed if "Sid" in each]
    if len(set(sids)) < len(sids):
        raise InvalidRequest("Two Deny statements have the same Sid.")
    return json.dumps(parsed, separators=(",", ":"))


def deny_statement(statement: object, is_known_action: ActionCheck) -> dict[str, Any]:
    """Return a Deny statement with its elements in one order; raises `InvalidRequest` if it is not valid."""
    if not isinstance(statement, Mapping):
        raise InvalidRequest("it is not a JSON object.")
    unknown = [str(name) for name in statement if name not in _ELEMENTS]
    if unknown:
        raise InvalidRequest(f"{_quoted(unknown[0])} is not one of {', '.join(_ELEMENTS)}.")
    if statement.get("Effect") != "Deny":
        raise InvalidRequest("its Effect must be “Deny”. A permission set can only take access away.")
    result: dict[str, Any] = {}
    if "Sid" in statement:
        result["Sid"] = _text(statement["Sid"], "Sid", _SID)
    result["Effect"] = "Deny"
    action = _one_of(statement, "Action", "NotAction")
    result[action] = _texts(statement[action], action, _ACTION)
    for pattern in _as_list(result[action]):
        if pattern != "*" and not is_known_action(pattern):
            raise InvalidRequest(f"AWS has no action {_quoted(pattern)}.")
    resource = _one_of(statement, "Resource", "NotResource")
    result[resource] = _texts(statement[resource], resource, _RESOURCE)
    if "Condition" in statement:
        result["Condition"] = _condition(statement["Condition"])
    return result


def _condition(condition: object) -> dict[str, Any]:
    if not isinstance(condition, Mapping) or not condition:
        raise InvalidRequest("its Condition is not a JSON object of operators.")
    result: dict[str, Any] = {}
    for operator, keys in condition.items():
        if operator not in _OPERATORS:
            raise InvalidRequest(f"{_quoted(str(operator))} is not a condition operator of IAM.")
        if not isinstance(keys, Mapping) or not keys:
            raise InvalidRequest(f"the operator {operator} needs a JSON object of condition keys.")
        result[operator] = {
            _text(key, "condition key", _CONDITION_KEY): _texts(_as_text(values), str(key), _VALUE)
            for key, values in keys.items()
        }
    return result


def _as_text(values: object) -> object:
    """Return a value of a condition as IAM compares it: numbers and booleans as text."""
    if isinstance(values, list):
        return [_as_text(value) for value in values]
    if isinstance(values, bool):
        return str(values).lower()
    return str(values) if isinstance(values, int) else values


def _one_of(statement: Mapping[str, Any], name: str, negated: str) -> str:
    if (name in statement) == (negated in statement):
        raise InvalidRequest(f"it needs either {name} or {negated}.")
    return name if name in statement else negated


def _texts(values: object, element: str, grammar: re.Pattern[str]) -> str | list[str]:
    if isinstance(values, list):
        if not values:
            raise InvalidRequest(f"its {element} is empty.")
        return [_text(value, element, grammar) for value in values]
    return _text(values, element, grammar)


def _text(value: object, element: str, grammar: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise InvalidRequest(f"{_quoted(str(value))} is not valid as {element}.")
    for variable in _VARIABLE.findall(value):
        if variable not in _VARIABLES:
            raise InvalidRequest(f"the variable {_quoted(variable)} is not supported.")
    return value


def _as_list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _quoted(text: str) -> str:
    return f"“{text[:_SHOWN]}”" if text.isprintable() else "This text"
