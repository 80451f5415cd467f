"""AWS's service authorization reference, from an npm package (MIT license) that the evaluator needs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from tests.evaluator.run import evaluator_folder

_ANY_TAG = "/${TagKey}"


@dataclass(frozen=True, slots=True)
class ActionData:
    """One action of a service."""

    name: str
    """The action with its prefix."""
    access_level: str
    """List, Read, Write, Tagging or Permissions management."""
    resource_types: Sequence[str]
    """The types of the resources that a policy can name for the action; empty if it can only name `*`."""
    own_keys: frozenset[str]
    """The condition keys, in lower case, that do not depend on the type of the resource."""
    type_keys: Mapping[str, frozenset[str]]
    """The condition keys, in lower case, by type of the resource."""

    @property
    def keys(self) -> frozenset[str]:
        """All condition keys of the action, in lower case; `aws:ResourceTag` without the key of the tag."""
        return self.own_keys.union(*self.type_keys.values())


@cache
def actions(prefix: str) -> Mapping[str, ActionData]:
    """Return the actions of a service by their names in lower case; empty if there is no such service."""
    types = resource_types(prefix)
    return {
        f"{prefix}:{name}": _action(prefix, described, types)
        for name, described in _read("actions", prefix).items()
    }


@cache
def matching(pattern: str) -> list[ActionData]:
    """Return the actions that a pattern such as `sqs:List*` matches; IAM ignores the case of letters."""
    found = actions(pattern.partition(":")[0])
    return [action for name, action in found.items() if fnmatchcase(name, pattern.lower())]


@cache
def resource_types(prefix: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    """Return the ARN format and the condition keys of each type of resource of a service."""
    return {
        described["key"]: (described["arn"], _keys(described.get("conditionKeys", [])))
        for described in _read("resourceTypes", prefix).values()
    }


def _action(prefix: str, described: Mapping[str, Any], types: Mapping[str, Any]) -> ActionData:
    of = described["resourceTypes"]
    return ActionData(
        name=f"{prefix}:{described['name']}",
        access_level=described["accessLevel"],
        resource_types=[kind["name"] for kind in of],
        own_keys=_keys(described["conditionKeys"]),
        type_keys={
            kind["name"]: _keys(kind["conditionKeys"]) | types.get(kind["name"], ("", frozenset()))[1]
            for kind in of
        },
    )


def _keys(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.replace(_ANY_TAG, "").lower() for name in names)


def _read(folder: str, prefix: str) -> Mapping[str, Any]:
    path = _data() / folder / f"{prefix}.json"
    content: Mapping[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def _data() -> Path:
    return evaluator_folder() / "node_modules" / "@cloud-copilot" / "iam-data" / "data"


def every_action() -> Iterator[str]:
    """Return every action of AWS with its prefix."""
    for path in sorted((_data() / "actions").glob("*.json")):
        yield from (action.name for action in actions(path.stem).values())
