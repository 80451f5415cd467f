"""What the operator's commands stand on: the database, and plain sentences where something is wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from daypass.portal.config import ConfigError
from daypass.portal.errors import PortalError

if TYPE_CHECKING:
    from daypass.portal.storage.engine import Database


@contextmanager
def open_database() -> "Iterator[Database]":
    """The portal's database, for one command."""
    from daypass.portal.config import DATABASE_URL
    from daypass.portal.storage.engine import Database

    database = Database(DATABASE_URL.read(os.environ), connections=2)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def plain_sentences(exit_code: int = 1) -> Iterator[None]:
    """Whatever an operator can mend ends the command with its sentence and *exit_code*."""
    from daypass.portal.server import ServeError
    from daypass.portal.storage.migrate import SchemaError

    try:
        yield
    except (ConfigError, SchemaError, ServeError, PortalError) as error:
        # Not a ClickException: from its message the CLI takes whatever might be a token, paths included.
        click.echo(f"daypass portal: {error}", err=True)
        raise SystemExit(exit_code) from error
