"""Settings as people read and write them, whichever page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.admin.model import SettingRecord
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.duration_text import written
from daypass.portal.http.layout.forms import Form
from daypass.portal.settings.registry import REGISTRY, ROLE_MAXIMUM, TENANT_ROLE_MAXIMUM, Kind, Setting, find

CUSTOM = "custom"
"""In place of a number of hours: a length in seconds, typed beside it."""

HOURS = tuple((str(hours * 3600), "1 Hour" if hours == 1 else f"{hours} Hours") for hours in range(1, 13))
"""What *Select Duration Hour* offers: seconds, and what people call them."""

_CHOSEN_IN_HOURS = (ROLE_MAXIMUM, TENANT_ROLE_MAXIMUM)


@dataclass(frozen=True, slots=True)
class SettingChoice:
    """A setting that one can choose from a list."""

    setting: Setting
    says: str
    """Its effect, its bounds and its default."""

    @property
    def option(self) -> tuple[str, str]:
        """What a list box offers: its key, and what people call it."""
        return self.setting.key, self.setting.label

    @property
    def is_chosen_in_hours(self) -> bool:
        """Whether its value is picked from a list of hours."""
        return self.setting in _CHOSEN_IN_HOURS

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return self.setting.kind is Kind.FLAG


@dataclass(frozen=True, slots=True)
class SettingFormValues:
    """What stands in the fields of a pane when it opens."""

    config_type: str = ""
    other_type: str = ""
    key: str = ""
    flag: str = ""
    hours: str = ""
    custom: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting that was made, as a line of a table."""

    type: str
    key: str
    name: str
    """What people call it; its key, where nobody knows it."""
    value: str
    means: str
    """The same in words, where the value alone says little."""
    says: str
    warning: str
    """Why it counts for nothing, where it does not."""
    changed_by: str
    changed_at: datetime
    version: str

    @property
    def setting(self) -> Setting | None:
        """What is known of it."""
        return find(self.type, self.key)

    @property
    def kind(self) -> str:
        """By which kind of field its value is typed: a flag's, one for hours, or a text."""
        if self.setting is None:
            return "text"
        if self.setting.kind is Kind.FLAG:
            return "flag"
        return "hours" if self.setting in _CHOSEN_IN_HOURS else "text"

    @property
    def typed(self) -> SettingFormValues:
        """What stands in the fields of the pane in which it is changed."""
        is_hours = any(seconds == self.value for seconds, _ in HOURS)
        return SettingFormValues(
            key=self.key,
            flag=self.value,
            hours=self.value if is_hours else CUSTOM,
            custom="" if is_hours else self.value,
            value=self.value,
        )


def known(*types: str) -> Sequence[SettingChoice]:
    """The settings of these types, in their order in the registry."""
    return [SettingChoice(setting, _says(setting)) for setting in REGISTRY if setting.type in types]


def row(record: SettingRecord) -> SettingRow:
    """One line of a table of settings."""
    stored, setting = record.stored, record.setting
    length = None if setting is None else setting.parse(stored.value)
    warning = ""
    if setting is None:
        warning = "Nothing here goes by this key. It is kept for the tool that wrote it."
    elif not record.is_in_force:
        warning = f"This is not within the bounds, so it counts as not set: it takes {setting.takes}."
    return SettingRow(
        type=stored.type,
        key=stored.key,
        name=stored.key if setting is None else setting.label,
        value=stored.value,
        means=written(length) if isinstance(length, timedelta) else "",
        says="" if setting is None else setting.help,
        warning=warning,
        changed_by=record.changed_by,
        changed_at=stored.updated_at,
        version=record.version,
    )


def chosen(text: str, otherwise: str) -> str:
    """*text*; refuses an empty one with the sentence *otherwise*."""
    if not text:
        raise InvalidRequest(otherwise)
    return text


def typed_value(form: Form) -> str:
    """The value that a form means, by whichever of its fields was shown."""
    if form.get("flag"):
        return form.get("flag")
    hours = form.get("hours")
    if hours:
        return form.get("custom") if hours == CUSTOM else hours
    return next((text.strip() for text in form.all("value") if text.strip()), "")


def typed_again(form: Form) -> SettingFormValues:
    """What was typed, for a pane that opens once more."""
    return SettingFormValues(
        config_type=form.get("config_type"),
        other_type=form.get("other_type"),
        key=form.get("flag_key") or form.get("app_key") or form.get("other_key") or form.get("key"),
        flag=form.get("flag"),
        hours=form.get("hours"),
        custom=form.get("custom"),
        value=next(iter(form.all("value")), ""),
    )


def _says(setting: Setting) -> str:
    default = setting.default
    if default is None:
        ends = "Not set, AWS's own value holds."
    elif isinstance(default, timedelta):
        ends = f"Not set, it is {written(default)}."
    else:
        ends = f"Not set, it is {str(default).lower()}."
    return f"{setting.help} It takes {setting.takes}. {ends}"
