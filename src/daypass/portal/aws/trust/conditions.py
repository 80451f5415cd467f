"""Evaluation of a policy's conditions for a request of which only some condition keys are known."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daypass.portal.aws.policies import as_list

REQUEST_TAG = "aws:requesttag/"


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """The condition keys of a request, in lower case; keys that are not in `values` are unknown."""

    values: Mapping[str, Sequence[str]]
    """The values of each key; empty if the request does not have the key."""
    has_other_tags: bool = False
    """Whether the request may have tags beyond those in `values`."""

    def get(self, key: str) -> Sequence[str] | None:
        """Return the values of a key, or None if they are unknown."""
        key = key.lower()
        if key.startswith(REQUEST_TAG) and not self.has_other_tags:
            return self.values.get(key, ())
        return self.values.get(key)


def holds(condition: object, request: RequestKeys) -> bool | None:
    """Return whether all of a statement's conditions hold, or None if that depends on an unknown key."""
    if not isinstance(condition, Mapping):
        return True
    results = [
        _holds(operator.lower(), as_list(expected), request.get(key))
        for operator, keys in condition.items()
        for key, expected in keys.items()
    ]
    if False in results:
        return False
    return None if None in results else True


def like(pattern: str, value: str) -> bool:
    """Return whether *value* matches a pattern with IAM's wildcards `*` and `?`."""
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda expected, value: expected == value,
    "stringequalsignorecase": lambda expected, value: expected.lower() == value.lower(),
    "stringlike": like,
    "arnequals": like,
    "arnlike": like,
}


def _holds(operator: str, expected: Collection[Any], values: Sequence[str] | None) -> bool | None:
    if values is None:
        return None
    if operator == "null":
        return str(next(iter(expected), "")).lower() == str(not values).lower()
    quantifier, _, operator = operator.rpartition(":")
    comparison = _COMPARISONS.get(operator.removesuffix("ifexists").replace("not", "", 1))
    # The values of policy variables are not known here.
    if comparison is None or any(not isinstance(one, str) or "${" in one for one in expected):
        return None
    is_negated = "not" in operator
    if not values:
        return (
            quantifier == "forallvalues"
            or operator.endswith("ifexists")
            or (is_negated and quantifier != "foranyvalue")
        )
    results = [any(comparison(one, value) for one in expected) != is_negated for value in values]
    return all(results) if quantifier == "forallvalues" else any(results)
