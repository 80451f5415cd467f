"""Custom permission sets in the manifest: their fields as the file and the API have them."""

from collections.abc import Sequence
from dataclasses import dataclass

BUILT_IN_SETS = ("full", "read-only")


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A custom permission set; a list that the file leaves out is empty."""

    rank: int
    description: str = ""
    policies: Sequence[str] = ()
    denies: Sequence[object] = ()
    """Deny statements of IAM."""
    own_role: bool = False
    """Whether the set has a role of its own in each tenant."""


def permission_set_fields(permission_set: PermissionSet) -> dict[str, object]:
    """Return the fields as the file and the API have them.

    The default of `own_role` is left out, because an older portal does not know the field.
    """
    fields: dict[str, object] = {
        "description": permission_set.description,
        "rank": permission_set.rank,
        "policies": list(permission_set.policies),
        "denies": list(permission_set.denies),
    }
    return fields | {"own_role": True} if permission_set.own_role else fields
