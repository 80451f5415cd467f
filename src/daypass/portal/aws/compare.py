"""Which Deny statements of this version a policy lacks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_LISTS = ("Action", "NotAction", "Resource", "NotResource")


def lacking(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> Sequence[str]:
    """Return the Sids of the Deny statements of *expected* that *actual* does not contain.

    Statements that were added, and other Allow statements, are an operator's choice and no difference.
    """
    there = {_meaning(one) for one in _listed(actual.get("Statement")) if one.get("Effect") == "Deny"}
    wanted = [one for one in _listed(expected.get("Statement")) if one["Effect"] == "Deny"]
    return [str(one.get("Sid", "")) for one in wanted if _meaning(one) not in there]


def _meaning(statement: Mapping[str, Any]) -> str:
    """Return a statement as text that is equal for all ways of writing it that mean the same."""
    told: dict[str, Any] = {key: _sorted(statement[key]) for key in _LISTS if key in statement}
    told["Condition"] = {
        operator.lower(): {key.lower(): _sorted(values) for key, values in keys.items()}
        for operator, keys in (statement.get("Condition") or {}).items()
    }
    return json.dumps(told, sort_keys=True)


def _sorted(value: object) -> list[str]:
    return sorted(str(one) for one in _listed(value))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  JSON, in which AWS takes one for a list of one
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
