"""Functions that the commands share: reading the configuration, opening the database, reporting errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import database_url, read_config
from daypass.portal.config.values import Values
from daypass.portal.config.variables import DATABASE_URL, DEFAULT_FILE, ConfigError
from daypass.portal.errors import PortalError, storage_cause
from daypass.portal.unknown_variables import unknown_names

if TYPE_CHECKING:
    from daypass.portal.storage.engine import Database


def read_configuration() -> PortalConfig:
    """Read the configuration of this process as it is now; raises `ConfigError` with all errors."""
    return read_config(os.environ, Path(DEFAULT_FILE))


def read_values() -> Values:
    """Read the variables for a command that needs some of them; raises `ConfigError` for an invalid file."""
    values = Values(os.environ, Path(DEFAULT_FILE))
    values.require_valid_file()
    return values


@contextmanager
def open_database() -> "Iterator[Database]":
    """Open the portal's database for one command."""
    check_environment()
    from daypass.portal.storage.engine import Database

    database = Database(prepare_database_url(), connections=2)
    try:
        yield database
    finally:
        database.close()


def prepare_database_url() -> str:
    """Return the URL of the database; create the state directory if the default database belongs there."""
    values = read_values()
    url = database_url(values)
    directory = None if values.is_set(DATABASE_URL) else Path(url.removeprefix("sqlite:///")).parent
    if directory is not None and not directory.exists():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The state directory {directory} cannot be created ({error.strerror}). "
                f"Set {DATABASE_URL.name} to use another place for the database."
            ) from error
    return url


def database_file() -> Path | None:
    """Return the SQLite file that is in use, as an absolute path; None for PostgreSQL."""
    return _database_file(read_values())


def default_database_file() -> Path | None:
    """Return the SQLite file that is in use because no database is configured; else None."""
    values = read_values()
    return None if values.is_set(DATABASE_URL) else _database_file(values)


def _database_file(values: Values) -> Path | None:
    url = database_url(values)
    return Path(url.removeprefix("sqlite:///")).absolute() if url.startswith("sqlite:///") else None


def check_environment() -> None:
    """Warn about variables that this version does not know; raises `ConfigError` for misspelled ones."""
    for name in unknown_names(os.environ):
        click.echo(f"daypass portal: {name} is not a variable of this version. It is ignored.", err=True)


@contextmanager
def report_errors(exit_code: int = 1) -> Iterator[None]:
    """Print errors that an operator can fix as one sentence, and exit with *exit_code*."""
    try:
        yield
    except Exception as error:
        sentence = sentence_for_operator(error)
        if sentence is None:
            raise
        # Not a ClickException: the CLI redacts its message, and some paths look like tokens.
        click.echo(f"daypass portal: {sentence}", err=True)
        raise SystemExit(exit_code) from error


def sentence_for_operator(error: Exception) -> str | None:
    """Return what an operator can do about the error, or None for one that is not theirs to fix."""
    from daypass.portal.server.errors import ServeError
    from daypass.portal.storage.migrate import SchemaError

    if not isinstance(error, ConfigError | SchemaError | ServeError | PortalError):
        return None
    cause = storage_cause(error)
    return str(error) if cause is None else f"The database cannot be used. {cause}"
