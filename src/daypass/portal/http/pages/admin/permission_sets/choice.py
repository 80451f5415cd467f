"""The choice of a permission set in the forms of memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.admin.permission_sets.service import PermissionSets
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.pages.set_words import options
from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class SetChoice:
    """The sets to choose from, and what the form has now."""

    every: Sequence[PermissionSet]
    form: Form

    @classmethod
    def of(cls, sets: PermissionSets, form: Form) -> "SetChoice":
        """Return the choice between all sets."""
        return cls(sets.all(), form)

    @property
    def has_custom(self) -> bool:
        """Whether there is another choice than full and read-only access."""
        return any(not each.is_built_in for each in self.every)

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """The value and the label of every set."""
        return options(self.every)

    @property
    def chosen(self) -> str:
        """The name that was sent."""
        return self.form.get("permission_set")

    @property
    def is_read_only(self) -> bool:
        """Whether *Readonly Access* was ticked."""
        return self.form.has("read_only")


def chosen_set(form: Form) -> str:
    """Return the name of the set that a form gives; the box *Readonly Access* stands for `read-only`.

    Raises `InvalidRequest` if the box is ticked beside a custom set.
    """
    name = form.get("permission_set")
    if not form.has("read_only"):
        return name or FULL.name
    if name not in {"", FULL.name, READ_ONLY.name}:
        raise InvalidRequest(
            f"Choose one: “{name[:_SHOWN]}”, or Readonly Access, which is the permission set read-only."
        )
    return READ_ONLY.name
