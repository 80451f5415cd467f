"""Validation of tenant names, which become part of AWS resource names and policies."""

import re
from collections.abc import Iterable

from daypass.portal.errors import InvalidRequest

LONGEST = 32

RESERVED = frozenset({"admin", "default"})
"""Names that have another meaning as AWS profiles: admin access, and the default profile."""

_LEGAL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_name(name: str, taken: Iterable[str]) -> None:
    """Raise `InvalidRequest` unless a new tenant may have *name*.

    Policies match `duploservices-NAME-*`, so this pattern must not match the resources of a tenant in
    *taken*, nor the other way round.
    """
    if not (2 <= len(name) <= LONGEST and _LEGAL.fullmatch(name)):
        raise InvalidRequest(
            f"A tenant's name has 2 to {LONGEST} lower-case letters, digits and single dashes, "
            "beginning with a letter."
        )
    if name in RESERVED:
        raise InvalidRequest(
            f"“{name}” is reserved: the AWS profile of this name has another meaning. Choose another name."
        )
    for other in taken:
        if name == other:
            raise InvalidRequest(f"There is already a tenant “{name}”.")
        if overlap(name, other):
            raise InvalidRequest(
                f"“{name}” and “{other}” would share names in AWS: one could access the other's resources."
            )


def overlap(name: str, other: str) -> bool:
    """Return whether the resources of one tenant would match the policy of the other."""
    return name.startswith(f"{other}-") or other.startswith(f"{name}-")
