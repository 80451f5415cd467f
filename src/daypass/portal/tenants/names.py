"""What a tenant may be called: its name becomes part of AWS names and policies."""

import re
from collections.abc import Iterable

from daypass.portal.errors import InvalidRequest

LONGEST = 32

_LEGAL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_name(name: str, taken: Iterable[str]) -> None:
    """Return when *name* is legal and fences off from every name in *taken*; else refuse it.

    Policies match `duploservices-NAME-*`, so no name may begin another name's resources.
    """
    if not (2 <= len(name) <= LONGEST and _LEGAL.fullmatch(name)):
        raise InvalidRequest(
            f"A tenant's name has 2 to {LONGEST} lower-case letters, digits and single dashes, "
            "beginning with a letter."
        )
    for other in taken:
        if name == other:
            raise InvalidRequest(f"There is a tenant “{name}” already.")
        if name.startswith(f"{other}-") or other.startswith(f"{name}-"):
            raise InvalidRequest(
                f"“{name}” and “{other}” would share names in AWS, so one could reach the other's resources."
            )
