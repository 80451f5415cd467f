"""Forms and table rows of settings, for the system and for tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.common.duration_text import format_duration
from daypass.portal.admin.model import SettingRecord
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.layout.forms import Form
from daypass.portal.settings.registry import REGISTRY, ROLE_MAXIMUM, TENANT_ROLE_MAXIMUM, Kind, Setting, find

CUSTOM = "custom"
"""The option of *Select Duration Hour* for a duration typed in seconds."""

HOURS = tuple((str(hours * 3600), "1 Hour" if hours == 1 else f"{hours} Hours") for hours in range(1, 13))
"""The options of *Select Duration Hour*: seconds and label."""

_CHOSEN_IN_HOURS = (ROLE_MAXIMUM, TENANT_ROLE_MAXIMUM)


@dataclass(frozen=True, slots=True)
class SettingChoice:
    """A setting as an option of a list box."""

    setting: Setting
    help_text: str
    """Its effect, bounds and default."""

    @property
    def option(self) -> tuple[str, str]:
        """The option: key and label."""
        return self.setting.key, self.setting.label

    @property
    def is_chosen_in_hours(self) -> bool:
        """Whether its value is selected from a list of hours."""
        return self.setting in _CHOSEN_IN_HOURS

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return self.setting.kind is Kind.FLAG


@dataclass(frozen=True, slots=True)
class SettingFormValues:
    """The initial values of a pane's fields."""

    config_type: str = ""
    other_type: str = ""
    key: str = ""
    flag: str = ""
    hours: str = ""
    custom: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A stored setting as a table row."""

    type: str
    key: str
    name: str
    """The label; the key of an unknown setting."""
    value: str
    means: str
    """The value in words if it is a duration, else empty."""
    help_text: str
    warning: str
    """Why the setting has no effect; empty if it has."""
    changed_by: str
    changed_at: datetime
    version: str

    @property
    def setting(self) -> Setting | None:
        """The definition of the setting; None if it is unknown."""
        return find(self.type, self.key)

    @property
    def kind(self) -> str:
        """The kind of its input field: `flag`, `hours` or `text`."""
        if self.setting is None:
            return "text"
        if self.setting.kind is Kind.FLAG:
            return "flag"
        return "hours" if self.setting in _CHOSEN_IN_HOURS else "text"

    @property
    def typed(self) -> SettingFormValues:
        """The initial values of the pane that edits it."""
        is_hours = any(seconds == self.value for seconds, _ in HOURS)
        return SettingFormValues(
            key=self.key,
            flag=self.value,
            hours=self.value if is_hours else CUSTOM,
            custom="" if is_hours else self.value,
            value=self.value,
        )


def known(*types: str) -> Sequence[SettingChoice]:
    """Return the settings of these types, in registry order."""
    return [SettingChoice(setting, _help_text(setting)) for setting in REGISTRY if setting.type in types]


def row(record: SettingRecord) -> SettingRow:
    """Return the table row of a stored setting."""
    stored, setting = record.stored, record.setting
    length = None if setting is None else setting.parse(stored.value)
    warning = ""
    if setting is None:
        warning = "This portal does not use this key. It is stored for the tool that wrote it."
    elif not record.is_in_force:
        warning = f"The value is out of bounds and has no effect. Valid values: {setting.accepted_values}."
    return SettingRow(
        type=stored.type,
        key=stored.key,
        name=stored.key if setting is None else setting.label,
        value=stored.value,
        means=format_duration(length) if isinstance(length, timedelta) else "",
        help_text="" if setting is None else setting.help,
        warning=warning,
        changed_by=record.changed_by,
        changed_at=stored.updated_at,
        version=record.version,
    )


def chosen(text: str, otherwise: str) -> str:
    """Return *text*; raises `InvalidRequest` with the sentence *otherwise* if it is empty."""
    if not text:
        raise InvalidRequest(otherwise)
    return text


def typed_value(form: Form) -> str:
    """Return the submitted value, from whichever of the value fields was shown."""
    if form.get("flag"):
        return form.get("flag")
    hours = form.get("hours")
    if hours:
        return form.get("custom") if hours == CUSTOM else hours
    return next((text.strip() for text in form.all("value") if text.strip()), "")


def typed_again(form: Form) -> SettingFormValues:
    """Return the submitted values, for a pane that is shown again with an error."""
    return SettingFormValues(
        config_type=form.get("config_type"),
        other_type=form.get("other_type"),
        key=form.get("flag_key") or form.get("app_key") or form.get("other_key") or form.get("key"),
        flag=form.get("flag"),
        hours=form.get("hours"),
        custom=form.get("custom"),
        value=next(iter(form.all("value")), ""),
    )


def _help_text(setting: Setting) -> str:
    default = setting.default
    if default is None:
        default_text = "AWS's own value"
    elif isinstance(default, timedelta):
        default_text = format_duration(default)
    else:
        default_text = str(default).lower()
    return f"{setting.help} Valid values: {setting.accepted_values}. Default: {default_text}."
