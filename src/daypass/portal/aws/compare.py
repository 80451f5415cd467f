"""Comparison of a policy's Deny statements with those of this version."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from daypass.portal.aws.policies import as_list

# The order of these values has no meaning in IAM. Identity-based policies have no Principal, and a Sid has no
# effect.
_LISTS = ("Action", "NotAction", "Resource", "NotResource")


def lacking(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Sequence[str]:
    """Return the Sids of the Deny statements of *expected* that *actual* does not contain.

    Additional statements, and other Allow statements, are an operator's choice and no difference.
    """
    present = {
        _normalized(statement)
        for statement in as_list(actual.get("Statement"))
        if statement.get("Effect") == "Deny"
    }
    required = [
        statement for statement in as_list(expected.get("Statement")) if statement["Effect"] == "Deny"
    ]
    return [str(statement.get("Sid", "")) for statement in required if _normalized(statement) not in present]


def _normalized(statement: Mapping[str, Any]) -> str:
    """Return a canonical text that is equal for all equivalent notations of a statement."""
    parts: dict[str, Any] = {key: _sorted(statement[key]) for key in _LISTS if key in statement}
    parts["Condition"] = {
        # IAM does not distinguish the case of operators and condition keys, but that of their values.
        operator.lower(): {key.lower(): _sorted(values) for key, values in keys.items()}
        for operator, keys in (statement.get("Condition") or {}).items()
    }
    return json.dumps(parts, sort_keys=True)


def _sorted(value: object) -> list[str]:
    return sorted(str(item) for item in as_list(value))
