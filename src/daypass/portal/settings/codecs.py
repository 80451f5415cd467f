"""The types of settings: each converts between the stored text and the value, and compares values.

A new type is one class here. The form, the API and the reference page are made from its members.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Generic, TypeVar

from daypass.common.duration_text import format_duration
from daypass.portal.settings.widgets import Widget

T = TypeVar("T")

_HOUR = timedelta(hours=1)
_MOST_DIGITS = 9


class Codec(ABC, Generic[T]):
    """A type of setting, whose values are of the Python type *T*."""

    __slots__ = ()

    @property
    @abstractmethod
    def kind(self) -> str:
        """The name of the type in the API."""

    @property
    @abstractmethod
    def accepted_values(self) -> str:
        """A description of the accepted values, which continues “takes” or “valid values:”."""

    @property
    def unset(self) -> str:
        """The effect of a setting that has neither a value nor a default, in words."""
        return "AWS's own value"

    @property
    def widget(self) -> Widget:
        """The form field for a value, unless the setting has its own."""
        return Widget()

    @abstractmethod
    def parse(self, text: str) -> T:
        """Return the value of *text*; raises `ValueError` if it is malformed or out of bounds."""

    @abstractmethod
    def to_text(self, value: T) -> str:
        """Return the text of *value* that `parse` accepts."""

    def describe(self, value: T) -> str:  # noqa: ARG002  a text is its own description
        """Return *value* in words, or an empty text if its stored text is as clear."""
        return ""

    @abstractmethod
    def elevates(self, old: T | None, new: T | None) -> bool:
        """Return whether *new* grants more or longer access than *old*.

        None is a setting that is neither stored nor has a default.
        """


@dataclass(frozen=True, slots=True)
class Flag(Codec[bool]):
    """True or false."""

    restricts: bool = False
    """Whether the flag restricts access while it is on."""

    @property
    def kind(self) -> str:
        """The name of the type in the API."""
        return "flag"

    @property
    def accepted_values(self) -> str:
        """The two values."""
        return "true or false"

    @property
    def widget(self) -> Widget:
        """A list of the two values."""
        return Widget(options=(("true", "true"), ("false", "false")))

    def parse(self, text: str) -> bool:
        """Return the value of *text* in any case; raises `ValueError`."""
        match text.strip().lower():
            case "true":
                return True
            case "false":
                return False
        raise ValueError(text)

    def to_text(self, value: bool) -> str:
        """Return `true` or `false`."""
        return "true" if value else "false"

    def elevates(self, old: bool | None, new: bool | None) -> bool:
        """Return whether a permission is turned on, or a restriction off."""
        return old != new and new is not self.restricts


class Unit(Enum):
    """The unit in which a duration is stored."""

    SECONDS = timedelta(seconds=1)
    MINUTES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Duration(Codec[timedelta]):
    """A duration within bounds, stored as a whole number of a unit."""

    unit: Unit
    minimum: timedelta
    maximum: timedelta

    @property
    def kind(self) -> str:
        """The unit's name, which is the name of the type in the API."""
        return self.unit.name.lower()

    @property
    def accepted_values(self) -> str:
        """The unit and the bounds."""
        return (
            f"a whole number of {self.kind} from {self.to_text(self.minimum)} to {self.to_text(self.maximum)}"
        )

    @property
    def widget(self) -> Widget:
        """A text field for a number."""
        return Widget(is_numeric=True)

    def list_of_hours(self, label: str = "Value") -> Widget:
        """Return a form field that lists the whole hours within the bounds, and accepts other durations."""
        first, last = -(-self.minimum // _HOUR), self.maximum // _HOUR
        low, high = self.minimum, self.maximum
        return Widget(
            label=label,
            options=tuple(
                (self.to_text(hours * _HOUR), "1 Hour" if hours == 1 else f"{hours} Hours")
                for hours in range(first, last + 1)
            ),
            prompt="Select Duration Hour",
            custom_label="Custom Duration",
            custom_help=f"In {self.kind}, from {self.to_text(low)} ({format_duration(low)}) "
            f"to {self.to_text(high)} ({format_duration(high)}).",
            is_numeric=True,
        )

    def parse(self, text: str) -> timedelta:
        """Return the duration of *text*; raises `ValueError`."""
        digits = text.strip()
        # `int` also accepts signs, underscores and the digits of other scripts, which other readers do not.
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise ValueError(text)
        length = int(digits) * self.unit.value
        if not self.minimum <= length <= self.maximum:
            raise ValueError(text)
        return length

    def to_text(self, value: timedelta) -> str:
        """Return the number of whole units."""
        return str(value // self.unit.value)

    def describe(self, value: timedelta) -> str:
        """Return the duration in hours, minutes and seconds."""
        return format_duration(value)

    def elevates(self, old: timedelta | None, new: timedelta | None) -> bool:
        """Return whether the duration goes up."""
        # Without a default, the role's maximum in AWS applies, which is an hour unless it was raised there.
        return (new or _HOUR) > (old or _HOUR)


@dataclass(frozen=True, slots=True)
class MaximumAge(Duration):
    """The maximum age of an authentication; without a value, its age does not matter."""

    @property
    def unset(self) -> str:
        """The effect of no value."""
        return "no limit"

    def elevates(self, old: timedelta | None, new: timedelta | None) -> bool:
        """Return whether the age goes up, or is limited no longer."""
        return old is not None and (new is None or new > old)


_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Names(Codec[frozenset[str]]):
    """A set of names that limits access; without a value there is no limit."""

    described: str
    """The names, as in “names of services”."""

    @property
    def kind(self) -> str:
        """The name of the type in the API."""
        return "names"

    @property
    def accepted_values(self) -> str:
        """The kind of names and their separator."""
        return f"{self.described}, separated by commas"

    @property
    def unset(self) -> str:
        """The effect of no value."""
        return "no limit"

    @property
    def widget(self) -> Widget:
        """Checkboxes, or a text field where the names are not known."""
        return Widget(accepts_several=True)

    def parse(self, text: str) -> frozenset[str]:
        """Return the names in *text*; raises `ValueError` if there is none, or one is malformed."""
        names = [name.strip() for name in text.split(",")]
        if not all(_NAME.fullmatch(name) for name in names):
            raise ValueError(text)
        return frozenset(names)

    def to_text(self, value: frozenset[str]) -> str:
        """Return the names in alphabetical order, separated by commas."""
        return ",".join(sorted(value))

    def elevates(self, old: frozenset[str] | None, new: frozenset[str] | None) -> bool:
        """Return whether *new* has a name that *old* lacks; None has all."""
        return old is not None and (new is None or not new <= old)


@dataclass(frozen=True, slots=True)
class Choice(Codec[str]):
    """One of several values, of which each restricts access more than the one before it."""

    options: tuple[tuple[str, str], ...]
    """The values with their labels, from the least to the most restricting one."""

    @property
    def kind(self) -> str:
        """The name of the type in the API."""
        return "choice"

    @property
    def accepted_values(self) -> str:
        """The values."""
        *first, last = (value for value, _ in self.options)
        return f"{', '.join(first)} or {last}"

    @property
    def widget(self) -> Widget:
        """A list of the values."""
        return Widget(options=self.options)

    def parse(self, text: str) -> str:
        """Return the value of *text* in any case; raises `ValueError`."""
        value = text.strip().lower()
        if value not in dict(self.options):
            raise ValueError(text)
        return value

    def to_text(self, value: str) -> str:
        """Return *value* as it is."""
        return value

    def describe(self, value: str) -> str:
        """Return the label of *value*."""
        return dict(self.options)[value]

    def elevates(self, old: str | None, new: str | None) -> bool:
        """Return whether *new* restricts less than *old*."""
        ranks = [value for value, _ in self.options]
        return old is not None and new is not None and ranks.index(new) < ranks.index(old)


@dataclass(frozen=True, slots=True)
class AnyText(Codec[str]):
    """The type of settings that the portal stores for other tools, without an effect of its own."""

    @property
    def kind(self) -> str:
        """The name of the type."""
        return "text"

    @property
    def accepted_values(self) -> str:
        """A description of any text."""
        return "any text"

    def parse(self, text: str) -> str:
        """Return *text* as it is."""
        return text

    def to_text(self, value: str) -> str:
        """Return *value* as it is."""
        return value

    def elevates(self, old: str | None, new: str | None) -> bool:  # noqa: ARG002  the values have no effect
        """Return False: the portal does not act on such a setting."""
        return False
