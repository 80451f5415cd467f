"""A setting: its wire name, type, default and texts; and a value for it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic

from daypass.portal.errors import InvalidRequest
from daypass.portal.settings.codecs import AnyText, Codec, T
from daypass.portal.settings.widgets import Widget

TENANT = ""
"""The type of a tenant's settings; it is empty, because their wire names have no type."""


# Compared by identity: there is one object for each setting, and it is the key of the cache of parsed values.
@dataclass(frozen=True, slots=True, eq=False)
class Setting(Generic[T]):
    """A setting whose values are of the Python type *T*.

    The forms, the API and the reference page are made from its fields.
    """

    label: str
    type: str
    key: str
    codec: Codec[T]
    default: T | None
    """The value while nothing is stored; None if AWS's own default applies then."""
    help: str
    """The effect in a sentence, for the form and the API."""
    documentation: str
    """The effect in sentences that follow `help`, for the reference page."""
    widget: Widget | None = None
    """The form field; None for the one of the codec."""
    is_known: bool = True
    """Whether the portal has this setting; others are stored without effect, for the tools that use them."""

    @property
    def is_per_tenant(self) -> bool:
        """Whether each tenant has its own value."""
        return self.type == TENANT

    @property
    def wire_name(self) -> str:
        """The type and key, as in `AppConfig/TokenSessionDuration`; the key alone for a tenant's setting."""
        return f"{self.type}/{self.key}" if self.type else self.key

    @property
    def form_field(self) -> Widget:
        """The form field for a value."""
        return self.codec.widget if self.widget is None else self.widget

    @property
    def accepted_values(self) -> str:
        """A description of the accepted values, for error messages."""
        return self.codec.accepted_values

    def parse(self, text: str) -> T:
        """Return the value of *text*; raises `InvalidRequest` if the setting does not accept it."""
        try:
            return self.codec.parse(text)
        except ValueError as error:
            raise InvalidRequest(f"“{self.label}” takes {self.accepted_values}.") from error

    def parse_stored(self, text: str | None) -> T | None:
        """Return the value of a stored text; None if there is none, or if it is invalid and has no effect."""
        if text is None:
            return None
        # Any text is valid for an unknown key, so its values would only fill the cache.
        value: T | None = _parse_stored(self, text) if self.is_known else self.codec.parse(text)
        return value

    def elevates(self, old: T | None, new: T | None) -> bool:
        """Return whether changing *old* to *new* grants more or longer access; None means not set."""
        return self.codec.elevates(self.default if old is None else old, self.default if new is None else new)


# Each issuance reads the same few texts from the database twice; they are parsed when they occur first.
@lru_cache(maxsize=256)
def _parse_stored(setting: Setting[Any], text: str) -> Any:  # noqa: ANN401  of the setting's type
    try:
        return setting.codec.parse(text)
    except ValueError:
        return None


def unknown_setting(type_: str, key: str) -> Setting[str]:
    """Return the setting for a key that the portal does not use."""
    return Setting(
        label=key,
        type=type_,
        key=key,
        codec=AnyText(),
        default=None,
        help="",
        documentation="",
        is_known=False,
    )


@dataclass(frozen=True, slots=True)
class SettingValue(Generic[T]):
    """A valid value for a setting, parsed where it entered the portal."""

    setting: Setting[T]
    value: T
    text: str
    """The text as it was written.

    It is stored unchanged, because `daypass apply` and legacy tools compare it with the text that they sent.
    """
