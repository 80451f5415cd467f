"""What a tenant may be called: its name becomes part of AWS names and policies."""

import re
from collections.abc import Iterable

from daypass.portal.errors import InvalidRequest

LONGEST = 32

RESERVED = frozenset({"admin", "default"})
"""Names that mean something else as AWS profiles: admin access, and the profile where none is named."""

_LEGAL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_name(name: str, taken: Iterable[str]) -> None:
    """Return when a new tenant may have *name*: it is legal and fences off from every name in *taken*.

    Policies match `duploservices-NAME-*`, so no name may begin another name's resources.
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
            raise InvalidRequest(f"There is a tenant “{name}” already.")
        if overlap(name, other):
            raise InvalidRequest(
                f"“{name}” and “{other}” would share names in AWS, so one could reach the other's resources."
            )


def overlap(name: str, other: str) -> bool:
    """Return whether the resources of one tenant would match the policy of the other."""
    return name.startswith(f"{other}-") or other.startswith(f"{name}-")
