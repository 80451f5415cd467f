"""The access that a permission set gives, in words and as a choice."""

from collections.abc import Iterable, Sequence

from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet

_SHOWN = 60


def in_words(permission_set: PermissionSet) -> str:
    """Return the access that a set gives, as a part of a sentence."""
    if permission_set.name == FULL.name:
        return "full access"
    if permission_set.name == READ_ONLY.name:
        return "read-only access"
    return f"the permission set {permission_set.name}"


def options(permission_sets: Iterable[PermissionSet]) -> Sequence[tuple[str, str]]:
    """Return the value and the label of each set, for a list to select from."""
    return [(each.name, _label(each)) for each in permission_sets]


def _label(permission_set: PermissionSet) -> str:
    described = f": {permission_set.description}" if permission_set.description else ""
    text = f"{permission_set.name}{described}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
