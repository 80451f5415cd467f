"""`daypass portal backup`: an online copy of the SQLite database."""

import sys
from pathlib import Path

import click

from daypass.portal.commands.common import check_environment, read_values, report_errors
from daypass.portal.config.reader import database_url
from daypass.portal.config.variables import ConfigError

_MEGABYTE = 1_000_000


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the SQLite database of a running portal.

    FILE, the copy, must not exist. It is readable by its owner only and appears once it is complete and
    checked; it contains password hashes and the whole audit log. For PostgreSQL, prints the pg_dump
    command and exits with 1.

    \b
      daypass portal backup /backup/daypass-2026-11-30.db
    """
    from daypass.portal.storage.backup import BackupError, back_up, pg_dump_command
    from daypass.portal.storage.engine import parse_url

    with report_errors():
        check_environment()
        url = parse_url(database_url(read_values()))
        if url.drivername != "sqlite":
            raise ConfigError(f"PostgreSQL is backed up by its own tool:\n    {pg_dump_command(url, file)}")
        if not url.database:
            raise ConfigError("DAYPASS_DATABASE_URL names no file, so there is nothing to back up.")
        try:
            size = back_up(Path(url.database), file, _report)
        except BackupError as error:
            raise ConfigError(str(error)) from error
    click.echo(f"{file}: {size:,} bytes, checked.", err=True)


def _report(written: int, expected: int) -> None:
    line = f"{written // _MEGABYTE:,} of about {expected // _MEGABYTE:,} MB"
    # On a terminal each line replaces the one before.
    click.echo(f"\r{line}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())
