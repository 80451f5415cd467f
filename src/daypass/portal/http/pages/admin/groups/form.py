"""The form of a group: its fields as text, and each error beside the field that has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daypass.portal.admin.groups.service import check_description, check_name, check_value
from daypass.portal.errors import InvalidRequest
from daypass.portal.groups.model import Group
from daypass.portal.http.layout.forms import Form


@dataclass(frozen=True, slots=True)
class GroupForm:
    """The fields of the form, and their errors by the field's name."""

    name: str = ""
    description: str = ""
    provider: str = ""
    """The identity provider of a claim group; empty for a local group."""
    value: str = ""
    """The claim's value; it cannot be changed later."""
    makes_administrators: bool = False
    version: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, group: Group, version: str) -> "GroupForm":
        """Return the fields of an existing group."""
        return cls(
            group.name,
            group.description,
            group.provider,
            group.external_id or "",
            group.makes_administrators,
            version,
        )

    @classmethod
    def submitted(cls, form: Form) -> "GroupForm":
        """Return the fields that were submitted."""
        return cls(
            form.get("name"),
            form.get("description"),
            form.get("provider"),
            form.get("value"),
            form.has("makes_administrators"),
            form.get("version"),
        )


def errors_of(form: GroupForm, *, has_name: bool = True, has_value: bool = False) -> Mapping[str, str]:
    """Return the error of each text that a group cannot have; *has_name* and *has_value* say what is sent."""
    checks: list[tuple[str, Callable[[str], None], str]] = [
        ("description", check_description, form.description)
    ]
    if has_name:
        checks.append(("name", check_name, form.name))
    # An existing group's value cannot be changed, and the name of a SCIM group is the provider's.
    if has_value:
        checks.append(("value", check_value, form.value))
    errors = {}
    for name, check, text in checks:
        try:
            check(text)
        except InvalidRequest as invalid:
            errors[name] = invalid.reason
    return errors
