"""The password of a new account, for the commands that create one."""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from daypass.portal.config.variables import ConfigError
from daypass.portal.secret import Secret


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the three options that replace the prompt for a password."""
    for option in (
        click.option(
            "--password-file",
            type=click.Path(path_type=Path),
            help="Generate a password and write it to this new file, which only you can read.",
        ),
        click.option(
            "--random-password", is_flag=True, help="Generate a password and print it once, on stderr."
        ),
        click.option(
            "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
        ),
    ):
        command = option(command)
    return command


def check_password_options(*, from_stdin: bool, random: bool, file: Path | None) -> None:
    """Raise `UsageError` if more than one of the options is used."""
    if from_stdin + random + (file is not None) > 1:
        raise click.UsageError("Use one of --password-stdin, --random-password and --password-file.")


def new_password(*, from_stdin: bool, random: bool, file: Path | None) -> Secret:
    """Return the password that the options ask for, or the typed one; raises `ConfigError`."""
    if from_stdin:
        return Secret(sys.stdin.readline().rstrip("\r\n"))
    if file is not None:
        return _password_in_file(file)
    if random:
        return _random_password()
    if not sys.stdin.isatty():
        raise ConfigError(
            "There is no terminal for the password prompt. Use --random-password to generate and print one, "
            "--password-file to write it to a file, or --password-stdin to supply one."
        )
    typed = click.prompt(
        "Password (empty to generate one)", hide_input=True, default="", show_default=False, err=True
    )
    if not typed:
        return _random_password()
    if click.prompt("Repeat the password", hide_input=True, err=True) != typed:
        raise ConfigError("The two passwords differ. Nothing was changed.")
    return Secret(typed)


def _random_password() -> Secret:
    password = Secret(secrets.token_urlsafe(15))
    click.echo(f"The password, shown only once: {password.reveal()}", err=True)
    return password


def _password_in_file(path: Path) -> Secret:
    """Generate a password and write it to a new file that only its owner can read."""
    password = Secret(secrets.token_urlsafe(15))
    try:
        # O_EXCL refuses an existing file, which may be another user's or a link to another place.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(password.reveal() + "\n")
    except OSError as error:
        raise ConfigError(
            f"The password cannot be written to {path} ({error.strerror}). Nothing was changed. "
            "Choose a new file."
        ) from error
    click.echo(f"The password is in {path}.", err=True)
    return password
