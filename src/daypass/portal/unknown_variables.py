"""Detection of unknown and misspelled DAYPASS_ variables in the environment."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from daypass.portal.config.provider_variables import (
    keys_of_table,
    variable_named,
    written_name,
)
from daypass.portal.config.variables import NAMES, PATH_TAKES, VARIABLES, config_error

OTHER_PROGRAMS = frozenset(
    {
        "DAYPASS_CACHE_DIR",
        "DAYPASS_CA_FILE",
        "DAYPASS_DEBUG",
        "DAYPASS_HOST",
        "DAYPASS_IDENTITY",
        "DAYPASS_ID_TOKEN",
        "DAYPASS_SANDBOX_ROOT_ACCESS_KEY_ID",
        "DAYPASS_SANDBOX_ROOT_SECRET_ACCESS_KEY",
        "DAYPASS_SERVICE_ACCOUNT",
        "DAYPASS_STATE_DIR",
        "DAYPASS_TENANT",
        "DAYPASS_TOKEN",
        "DAYPASS_WITHIN_AWS",
    }
)
"""Variables of the command line client and the demo, which the portal does not read."""

_PREFIX = "DAYPASS_"
_FARTHEST = 2
_PROVIDER = f"{_PREFIX}PROVIDER"
# Variables that Kubernetes sets in each pod for a service named daypass or daypass-NAME.
_SERVICE_LINK = re.compile(
    r"DAYPASS_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


@dataclass(frozen=True, slots=True)
class UnknownNames:
    """The names that begin like a variable of the portal, and are none."""

    unknown: Sequence[str]
    """Names that begin with DAYPASS_. They may belong to a newer version, so they are no error."""
    misspelled: Sequence[str]
    """A sentence for each name that is similar to a variable's, which the portal would ignore."""


def examine(names: Iterable[str]) -> UnknownNames:
    """Find unknown and misspelled variables."""
    unknown, misspelled = [], []
    for name in sorted(names):
        if name in NAMES or name in OTHER_PROGRAMS or _SERVICE_LINK.fullmatch(name) or variable_named(name):
            continue
        if (found := _meant(name) or _meant_of_provider(name)) is not None:
            meant, takes = found
            misspelled.append(
                f"{name} is not a variable of the portal. Did you mean {meant}? It takes {takes}."
            )
        elif name.startswith(_PREFIX):
            unknown.append(name)
    return UnknownNames(unknown, misspelled)


def unknown_names(names: Iterable[str]) -> Sequence[str]:
    """Return the names that begin with DAYPASS_ and that this version does not know.

    Raises `ConfigError` for misspelled variables, because the portal would start with the default in their
    place.
    """
    found = examine(names)
    if found.misspelled:
        raise config_error(found.misspelled)
    return found.unknown


def _meant(name: str) -> tuple[str, str] | None:
    """Return the variable whose name *name* is a misspelling of, with what it takes, or None."""
    written = name.upper().replace("-", "_")
    # Only names that begin alike are compared, because the environment has many others.
    if not written.startswith("DAY"):
        return None
    # Other programs read any value from the file that NAME_FILE names; here only secrets are read so.
    for candidate in (written, written.removesuffix("_FILE")):
        nearest = min(sorted(NAMES), key=lambda known: _distance(candidate, known))
        if _distance(candidate, nearest) <= _FARTHEST:
            return nearest, next((each.takes for each in VARIABLES if each.name == nearest), PATH_TAKES)
    return None


def _meant_of_provider(name: str) -> tuple[str, str] | None:
    """Return the same for a variable of an identity provider, whose name is between two known parts."""
    written = name.upper().replace("-", "_")
    if not written.startswith("DAY"):
        return None
    # As above, a key without a secret is not read from a file.
    return _split_name(written.split("_")) or _split_name(written.removesuffix("_FILE").split("_"))


def _split_name(parts: Sequence[str]) -> tuple[str, str] | None:
    heads = [size for size in (1, 2, 3) if _distance("_".join(parts[:size]), _PROVIDER) <= _FARTHEST]
    ends = [(place, "_".join(parts[place:])) for head in heads[:1] for place in range(head, len(parts))]
    found = [
        (_distance(end, key.upper()), place, key)
        for place, end in ends
        for key in keys_of_table()
        if _distance(end, key.upper()) <= _FARTHEST
    ]
    if not found:
        return None
    _, place, nearest = min(found)
    key = keys_of_table()[nearest]
    is_file = nearest != key.key
    provider = "_".join(parts[heads[0] : place])
    meant = written_name(key, is_file=is_file)
    # Without a provider's name, or with another sign in it, the form of the name is the answer.
    exact = meant.replace("<NAME>", provider)
    return exact if variable_named(exact) else meant, PATH_TAKES if is_file else key.type.takes


def _distance(written: str, other: str) -> int:
    """Return the optimal string alignment distance (Damerau-Levenshtein with each part edited once)."""
    if abs(len(written) - len(other)) > _FARTHEST:
        return _FARTHEST + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, character in enumerate(written, 1):
        row = [i]
        for j, other_character in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (character != other_character))
            if i > 1 and j > 1 and character == other[j - 2] and written[i - 2] == other_character:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
