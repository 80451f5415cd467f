"""The value of each variable: from the environment, a file with a secret, or the configuration file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from daypass.portal.config import files, toml_file
from daypass.portal.config.files import FileError
from daypass.portal.config.provider_variables import variable_named, variables_of
from daypass.portal.config.toml_file import ConfigFile
from daypass.portal.config.value_types import InvalidValue, path_name
from daypass.portal.config.variables import (
    CONFIG,
    PATH_TAKES,
    VARIABLES,
    ConfigError,
    Variable,
    config_error,
)

T = TypeVar("T")


class Source(StrEnum):
    """The places that a value may be from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    SECRET_FILE = "secret file"  # noqa: S105  a name
    CREDENTIAL = "credential"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Stated:
    """The text of a variable, with its source."""

    text: str = field(repr=False)
    source: Source
    place: str
    """The subject of an error message: a variable, or a key with its file."""
    path: Path | None = None
    """The file that the text was read from."""
    line: int | None = None
    """The line in the configuration file, if it is known."""


class Values:
    """The values of all variables.

    The environment wins over systemd credentials, and these over the configuration file. A value that is
    empty counts as not set. Files of secrets are read when their value is needed, and once.
    """

    def __init__(self, environ: Mapping[str, str], default_file: Path | None = None) -> None:
        """Read the configuration file: the one that DAYPASS_CONFIG names, else *default_file* if it exists.

        Errors in it are in `problems`.
        """
        self.environ = environ
        self.file = _file_to_read(environ, default_file)
        self._content = ConfigFile({}) if self.file is None else toml_file.load(self.file)
        self._stated: dict[str, Stated] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences about errors in the configuration file."""
        return self._content.problems

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of all identity providers: those of the file in its order, then the others by name."""
        variables = (variable_named(name) for name, text in self.environ.items() if text.strip())
        stated = sorted({variable.provider for variable in variables if variable is not None})
        return tuple(dict.fromkeys((*self._content.providers, *stated)))

    @property
    def variables(self) -> Sequence[Variable[Any]]:
        """All variables, with those of each identity provider."""
        return (*VARIABLES, *variables_of(self.providers))

    @property
    def is_complete(self) -> bool:
        """Whether the configuration file could be read; else any value may be missing."""
        return self._content.is_complete

    def require_valid_file(self) -> None:
        """Raise `ConfigError` with the errors in the configuration file, if it has any."""
        if self.problems:
            raise config_error(self.problems)

    def is_set(self, variable: Variable[Any]) -> bool:
        """Whether a variable has another source than its default."""
        return self.find(variable).source is not Source.DEFAULT

    def get(self, variable: Variable[T]) -> T:
        """Return the value, or the default; raises `ConfigError` if it is invalid, or there is none."""
        stated = self.find(variable)
        if not stated.text:
            raise ConfigError(f"{variable.name} is not set. It takes {variable.takes}.")
        try:
            return variable.type.parse(stated.text)
        except InvalidValue as error:
            # The value is omitted, since it may be a misplaced secret.
            if reason := str(error):
                sentence = f"{stated.place} takes {variable.takes}, but {reason}."
            else:
                sentence = f"{stated.place} has an invalid value. It takes {variable.takes}."
            raise ConfigError(sentence) from error

    def get_optional(self, variable: Variable[T]) -> T | None:
        """Return the value, or None if it is not set and has no default; raises `ConfigError`."""
        return self.get(variable) if self.find(variable).text else None

    def find(self, variable: Variable[Any]) -> Stated:
        """Return the text with its source; raises `ConfigError` if it is in a file that cannot be read."""
        if (known := self._stated.get(variable.name)) is None:
            known = self._stated[variable.name] = self._find(variable)
        return known

    def _find(self, variable: Variable[Any]) -> Stated:
        name, file_name = variable.name, variable.file_name
        text = self.environ.get(name, "").strip()
        path = self.environ.get(file_name, "").strip() if variable.is_secret else ""
        if text and path:
            raise ConfigError(f"{name} and {file_name} are both set. Keep one of them.")
        if text:
            return Stated(text, Source.ENVIRONMENT, name)
        if path:
            return _from_file(path, Source.SECRET_FILE, file_name)
        if variable.is_secret and (credential := self._credential(variable)) is not None:
            return _from_file(str(credential), Source.CREDENTIAL, f"The credential {variable.credential}")
        if entry := self._content.entries.get(name):
            return Stated(entry.text, Source.FILE, entry.place, entry.path, entry.line)
        if variable.is_secret and (entry := self._content.entries.get(file_name)):
            return _from_file(entry.text, Source.SECRET_FILE, entry.place)
        return Stated(variable.default or "", Source.DEFAULT, name)

    def _credential(self, variable: Variable[Any]) -> Path | None:
        directory = self.environ.get("CREDENTIALS_DIRECTORY", "")
        if not directory:
            return None
        path = Path(directory, variable.credential)
        try:
            return path if path.exists() else None
        except OSError:
            # It may exist in a folder that this user cannot search; reading it reports that.
            return path


def _from_file(path: str, source: Source, place: str) -> Stated:
    """Read a secret.

    The path must be absolute: the secret itself, in the wrong variable, is then refused without a message
    that repeats it.
    """
    if not path.startswith("/"):
        raise ConfigError(f"{place} takes {PATH_TAKES}.")
    try:
        return Stated(files.read_secret(Path(path)), source, place, Path(path))
    except FileError as error:
        raise ConfigError(f"{place}: {path_name(path)} {error}") from error


def _file_to_read(environ: Mapping[str, str], default_file: Path | None) -> Path | None:
    if named := environ.get(CONFIG.name, "").strip():
        return Path(named)
    try:
        return default_file if default_file is not None and default_file.exists() else None
    except OSError:
        # It may exist in a folder that this user cannot search; reading it reports that.
        return default_file
