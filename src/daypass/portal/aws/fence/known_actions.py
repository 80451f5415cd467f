"""The actions that IAM knows, from a table that is shipped with the portal.

`scripts/actions` writes the table from AWS's service authorization reference.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

_PATTERN = re.compile(r"([a-z0-9-]+):([A-Za-z0-9*?]+)")


def is_known_action(pattern: str) -> bool:
    """Return whether *pattern*, such as `sqs:List*`, matches an action; IAM ignores the case of letters.

    `*` alone matches every action. A pattern has no wildcard before the colon, because IAM allows none there.
    """
    if pattern == "*":
        return True
    parts = _PATTERN.fullmatch(pattern)
    if parts is None:
        return False
    prefix, wanted = parts.groups()
    names = _names().get(prefix.lower(), ())
    return any(fnmatchcase(name, wanted.lower()) for name in names)


def matching_actions(pattern: str) -> Sequence[str]:
    """Return the known actions of one service that *pattern* matches, with their names in lower case."""
    prefix, _, wanted = pattern.lower().partition(":")
    return [f"{prefix}:{name}" for name in sorted(_names().get(prefix, ())) if fnmatchcase(name, wanted)]


@cache
def _names() -> Mapping[str, frozenset[str]]:
    """Return the names of each prefix's actions in lower case."""
    table = (files(__package__) / "known_actions.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in table.splitlines() if not line.startswith("#"))
    return {prefix.rstrip(":"): frozenset(name.lower() for name in names) for prefix, *names in lines}
