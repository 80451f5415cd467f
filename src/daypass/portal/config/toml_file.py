"""The configuration file: its keys, their types, and the errors in it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daypass.common.lines import printable_line
from daypass.portal.config import files
from daypass.portal.config.files import Content, FileError
from daypass.portal.config.provider_variables import (
    NAME_TAKES,
    PROVIDER_KEYS,
    TABLE,
    is_provider_name,
    keys_of_table,
    variable_named,
    variables_of,
)
from daypass.portal.config.variables import CONFIG, PATH_TAKES, PREFIX, VARIABLES, Variable

_TYPES = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "an array",
    dict: "a table",
}
_LARGEST_INTEGER = 10**9
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in the file."""

    text: str = field(repr=False)
    key: str
    path: Path
    line: int | None
    """None if it is not known."""

    @property
    def place(self) -> str:
        """The key with the file and the line, as the subject of a sentence."""
        line = "" if self.line is None else f" (line {self.line})"
        return f"{printable_line(self.key, 60)} in {self.path}{line}"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The values in a configuration file, and the sentences about its errors."""

    entries: Mapping[str, Entry]
    """By the name of the environment variable, which may end in _FILE."""
    problems: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    """The names of the identity providers, in their order in the file."""
    is_complete: bool = True
    """Whether the file could be read; else any value may be missing."""


def load(path: Path) -> ConfigFile:
    """Read a configuration file; its errors are in the result."""
    # Imported here, because commands without a configuration file must not wait for it.
    import tomllib

    try:
        content = files.read(path)
        text = content.data.decode("utf-8-sig")
        values = tomllib.loads(text)
    except FileError as error:
        # A path of another form may be a secret in the wrong place.
        name = path if path.is_absolute() or path.suffix == ".toml" else "The file"
        sentence = f"{name} {error} {CONFIG.name} takes {CONFIG.takes}."
    except UnicodeDecodeError:
        sentence = f"{path} is not UTF-8, as TOML must be."
    except tomllib.TOMLDecodeError as error:
        sentence = _syntax_error(path, str(error))
    # The parser's own limits: deep nesting, and integers of more than 4,300 digits.
    except (RecursionError, ValueError):
        sentence = f"{path} is not a configuration file: its values are nested too deeply, or too long."
    else:
        return _Reading(path, text, content).read(values)
    return ConfigFile({}, (sentence,), is_complete=False)


def _syntax_error(path: Path, message: str) -> str:
    """Return a sentence with the place of the error. The parser's message may repeat a part of a value."""
    place = _PLACE.search(message)
    where = f", line {place[1]}, column {place[2]}," if place else ", at its end,"
    return f'{path}{where} is not valid TOML. A line has the form key = value, with texts in quotes: "text".'


class _Reading:
    """Collects the entries of one file, and its errors."""

    def __init__(self, path: Path, text: str, content: Content) -> None:
        self._path = path
        self._text = text
        self._content = content
        self._entries: dict[str, Entry] = {}
        self._problems: list[str] = []
        self._accepted = _accepted_keys()
        # A dictionary, for its order.
        self._providers: dict[str, None] = {}

    def read(self, values: Mapping[str, Any]) -> ConfigFile:
        for key, value in values.items():
            if key == TABLE and isinstance(value, dict):
                for provider, table in value.items():
                    self._add_provider(provider, table)
            elif (variable := variable_named(key)) is not None:
                # A line that was moved from an environment file.
                self._providers[variable.provider] = None
                self._add(self._entry(key), value, (key, variable))
            else:
                self._add(self._entry(key), value, self._accepted.get(key), _suggestion)
        variables = [*VARIABLES, *variables_of(self._providers)]
        self._check_pairs(variables)
        self._check_exposure(variables)
        return ConfigFile(self._entries, tuple(self._problems), tuple(self._providers))

    def _entry(self, key: str, table: str = "") -> Entry:
        return Entry("", table + key, self._path, self._line(key, table))

    def _add_provider(self, provider: str, table: object) -> None:
        if not (isinstance(table, dict) and is_provider_name(provider)):
            place = self._entry(provider, f"{TABLE}.").place
            expected = f"the name of a table with {NAME_TAKES}" if isinstance(table, dict) else "a table"
            self._problems.append(f"{place} is not {expected}, as in [{TABLE}.company-sso].")
            return
        self._providers[provider] = None
        for key, value in table.items():
            of_provider = keys_of_table().get(key)
            target = None
            if of_provider is not None:
                variable = of_provider.of(provider)
                target = (variable.name if key == of_provider.key else variable.file_name, variable)
            self._add(self._entry(key, f"{TABLE}.{provider}."), value, target, _suggestion_of_provider)

    def _add(
        self,
        empty: Entry,
        value: object,
        target: tuple[str, Variable[Any]] | None,
        suggestion: Callable[[str, object], str] = lambda _key, _value: "",
    ) -> None:
        place = empty.place
        if target is None:
            end = suggestion(empty.key, value)
            self._problems.append(f"{place} is not a key of the configuration.{end}")
            return
        name, variable = target
        if name in self._entries:
            self._problems.append(f"{place} is set twice, by its two names. Keep one of them.")
            return
        try:
            text = _text_of(value, variable if name == variable.name else None)
        except TypeError:
            takes = variable.takes if name == variable.name else PATH_TAKES
            found = _TYPES.get(type(value), "a date or time")
            self._problems.append(f"{place} is {found}, which has the wrong type. It takes {takes}.")
            return
        if text.strip():
            self._entries[name] = replace(empty, text=text.strip())

    def _line(self, key: str, table: str) -> int | None:
        text, first = self._text, 1
        if table and (header := re.search(rf"^\[{re.escape(table[:-1])}\][^\n]*\n", text, re.MULTILINE)):
            first += text.count("\n", 0, header.end())
            text = re.split(r"^[ \t]*\[", text[header.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        elif table:
            # Written as one line, or with dots in its keys.
            return None
        pattern = rf"^[ \t]*\[*[ \t]*[\"']?{re.escape(key)}\b"
        # A key may be written with escapes, and a text of several lines may look like a key.
        found = [*re.finditer(pattern, text, re.MULTILINE)]
        return text.count("\n", 0, found[0].start()) + first if len(found) == 1 else None

    def _check_pairs(self, variables: Iterable[Variable[Any]]) -> None:
        for variable in variables:
            if variable.is_secret and {variable.name, variable.file_name} <= self._entries.keys():
                place = self._entries[variable.name].place
                self._problems.append(f"{place} is set, and {variable.key}_file is too. Keep one of them.")

    def _check_exposure(self, variables: Iterable[Variable[Any]]) -> None:
        secret = [
            self._entries[variable.name].place
            for variable in variables
            if variable.name in self._entries and variable.has_secret(self._entries[variable.name].text)
        ]
        if secret and self._content.is_exposed:
            exposed = files.exposure(self._path, self._content)
            self._problems.append(f"{secret[0]} is a secret, and {exposed}")


def _accepted_keys() -> Mapping[str, tuple[str, Variable[Any]]]:
    """Return the variable of each key, with the name of the environment variable that the key stands for."""
    accepted = {}
    for variable in VARIABLES:
        # The file cannot name another one.
        if variable is CONFIG:
            continue
        accepted[variable.key] = accepted[variable.name] = (variable.name, variable)
        if variable.is_secret:
            from_file = (variable.file_name, variable)
            accepted[f"{variable.key}_file"] = accepted[variable.file_name] = from_file
    return accepted


def _text_of(value: object, variable: Variable[Any] | None) -> str:
    """Return the text that an environment variable would have; raises `TypeError`."""
    if isinstance(value, str):
        return value
    toml = str if variable is None else variable.type.toml
    if type(value) is not toml:
        raise TypeError
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) <= _LARGEST_INTEGER:
        return str(value)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ",".join(value)
    if isinstance(value, dict) and value and all(isinstance(part, str) for part in value.values()):
        return json.dumps(value)
    raise TypeError


def _suggestion(key: str, value: object) -> str:
    # Imported for an error only.
    from difflib import get_close_matches

    accepted = _accepted_keys()
    if isinstance(value, dict):
        inside = [name for part in value if (name := f"{key}_{part}".lower()) in accepted]
        meant = f" Did you mean {' and '.join(inside)}?" if inside else ""
        return f" The only tables are [{TABLE}.NAME].{meant}"
    written = key[:64].lower().replace("-", "_")
    short = [name for name in accepted if name.islower()]
    for nearest in get_close_matches(written.removeprefix(PREFIX.lower()), short, n=1):
        name, variable = accepted[nearest]
        meant = nearest if written.removeprefix(PREFIX.lower()) == written else name
        takes = variable.takes if name == variable.name else PATH_TAKES
        return f" Did you mean {meant}? It takes {takes}."
    return ""


def _suggestion_of_provider(dotted_key: str, _value: object) -> str:
    from difflib import get_close_matches

    keys = keys_of_table()
    written = dotted_key.rpartition(".")[2][:64].lower().replace("-", "_")
    for nearest in get_close_matches(written, keys, n=1):
        takes = keys[nearest].type.takes if nearest == keys[nearest].key else PATH_TAKES
        return f" Did you mean {nearest}? It takes {takes}."
    return f" A provider has {', '.join(each.key for each in PROVIDER_KEYS)}."
