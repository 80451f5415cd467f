"""The form fields with which pages ask for the value of a setting."""

from collections.abc import Sequence
from dataclasses import dataclass

CUSTOM = "custom"
"""The option of a list that stands for the text field beside it."""


@dataclass(frozen=True, slots=True)
class Widget:
    """A form field: a text field, checkboxes, a list, or a list with a text field for further values."""

    label: str = "Value"
    options: Sequence[tuple[str, str]] = ()
    """The values of the list, as (stored text, label); empty for a text field."""
    prompt: str = "Select a value"
    """The first option, while no value is selected."""
    custom_label: str = ""
    """The label of the text field beside the list; empty if only listed values can be selected."""
    custom_help: str = ""
    is_numeric: bool = False
    """Whether the text is a number, for the keyboards of phones."""

    accepts_several: bool = False
    """Whether a value consists of names, separated by commas; a page that knows all names has checkboxes."""

    @property
    def accepts_custom(self) -> bool:
        """Whether a value that the list does not contain can be entered."""
        return bool(self.custom_label)

    def selected_option(self, text: str) -> str:
        """Return the option of the list for a stored text; empty if it has none."""
        if any(text == option for option, _ in self.options):
            return text
        return CUSTOM if text and self.accepts_custom else ""
