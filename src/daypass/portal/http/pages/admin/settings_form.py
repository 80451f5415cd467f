"""Forms and table rows of settings, for the system and for tenants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daypass.portal.admin.model import SettingRecord
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.layout.forms import Form
from daypass.portal.settings.codecs import T
from daypass.portal.settings.registry import Registry
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.widgets import CUSTOM, Widget

Fields = Mapping[str, str]
"""The contents of a form's fields, by name."""


@dataclass(frozen=True, slots=True)
class SettingField:
    """The form field for the value of one setting.

    Its name contains the setting's, so a form may have the fields of several settings.
    """

    setting: Setting[Any]

    @property
    def widget(self) -> Widget:
        """The kind of field."""
        return self.setting.form_field

    @property
    def name(self) -> str:
        """The field's name."""
        # The previous release reads a missing field as an empty text, which it would store for a key that
        # the portal does not use. So this field keeps its name as long as both releases may run together.
        return f"value:{self.setting.wire_name}" if self.setting.is_known else "value"

    @property
    def custom_name(self) -> str:
        """The name of the text field for values that the list does not contain."""
        return f"custom:{self.setting.wire_name}"

    @property
    def option(self) -> tuple[str, str]:
        """The setting as an option of a list of settings: key and label."""
        return self.setting.key, self.setting.label

    @property
    def help_text(self) -> str:
        """The setting's effect, accepted values and default; empty for an unknown setting."""
        if not self.setting.is_known:
            return ""
        # The checkboxes show the valid values.
        valid = "" if self.widget.accepts_several else f" Valid values: {self.setting.accepted_values}."
        return f"{self.setting.help}{valid} Default: {default_text(self.setting)}."

    def fill(self, text: str) -> Fields:
        """Return the contents of the fields for a stored text."""
        option = self.widget.selected_option(text)
        if option == CUSTOM:
            return {self.name: CUSTOM, self.custom_name: text}
        return {self.name: option if self.widget.options else text}

    def check_present(self, form: Form) -> None:
        """Return if *form* has the field; raise `InvalidRequest` otherwise."""
        if self.name not in form.fields:
            raise InvalidRequest("This form is from another version of the portal. Open it again.")

    def read(self, form: Form) -> str:
        """Return the submitted text of the value; empty if the field is empty or missing.

        Raises `InvalidRequest` if no checkbox is ticked.
        """
        if self.widget.accepts_several:
            names = require_text(
                joined(form, self.name),
                "Select at least one. To allow all, remove the setting instead.",
                self.name,
            )
            # As the codec writes them, so that the order of the checkboxes makes no difference.
            return ",".join(sorted(name.strip() for name in names.split(",")))
        return form.get(self.name_in(form))

    def name_in(self, form: Form) -> str:
        """Return the name of the field that has the value in *form*, by which its error is shown."""
        is_custom = self.widget.accepts_custom and form.get(self.name) == CUSTOM
        return self.custom_name if is_custom else self.name


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A stored setting as a table row."""

    record: SettingRecord

    @property
    def setting(self) -> Setting[Any]:
        """The definition of the setting."""
        return self.record.setting

    @property
    def field(self) -> SettingField:
        """The form field that edits it."""
        return SettingField(self.setting)

    @property
    def fields(self) -> Fields:
        """The contents of the fields of the pane that edits it."""
        stored = self.record.stored.value
        # The list has one spelling of each value, and the stored text may have another.
        return self.field.fill(
            self.setting.codec.to_text(self.record.value) if self.record.is_in_force else stored
        )

    @property
    def value(self) -> str:
        """The stored text."""
        return self.record.stored.value

    @property
    def meaning(self) -> str:
        """The value in words; empty if the stored text is as clear."""
        return self.setting.codec.describe(self.record.value) if self.record.is_in_force else ""

    @property
    def warning(self) -> str:
        """The reason why the setting has no effect; empty if it has one."""
        if not self.setting.is_known:
            return "This portal does not use this key. It is stored for the tool that wrote it."
        if not self.record.is_in_force:
            return (
                f"The value is out of bounds and has no effect. Valid values: {self.setting.accepted_values}."
            )
        return ""

    @property
    def changed_by(self) -> str:
        """The username of the author."""
        return self.record.changed_by

    @property
    def changed_at(self) -> datetime:
        """The time of the last change."""
        return self.record.stored.updated_at


def fields_of(registry: Registry, type_: str) -> Sequence[SettingField]:
    """Return the form fields of the settings of one type, in registry order."""
    return [SettingField(setting) for setting in registry.of_type(type_)]


def joined(form: Form, name: str) -> str:
    """Return the values of a field that may have several, separated by commas; empty values are left out."""
    return ",".join(value.strip() for value in form.all(name) if value.strip())


def default_text(setting: Setting[T]) -> str:
    """Return the default of a setting in words."""
    if setting.default is None:
        return setting.codec.unset
    return setting.codec.describe(setting.default) or setting.codec.to_text(setting.default)


def require_text(text: str, message: str, field: str = "") -> str:
    """Return *text*; raises `InvalidRequest` about *field* with the sentence *message* if it is empty."""
    if not text:
        raise InvalidRequest(message, field)
    return text
