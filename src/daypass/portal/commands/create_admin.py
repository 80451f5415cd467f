"""`daypass portal create-admin`: a new Administrator, from a shell on the portal's machine."""

import os
import secrets
import sys
from pathlib import Path

import click

from daypass.portal.commands.common import open_database, report_errors
from daypass.portal.config.variables import ConfigError
from daypass.portal.errors import PortalError
from daypass.portal.secret import Secret


@click.command("create-admin")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.option("--random-password", is_flag=True, help="Generate a password and print it once, on stderr.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Generate a password and write it to this new file, which only you can read.",
)
@click.option(
    "--with-token",
    is_flag=True,
    help="Also print a new permanent API token once, on stdout.",
)
def create_admin(
    username: str, password_stdin: bool, random_password: bool, password_file: Path | None, with_token: bool
) -> None:
    """Create an Administrator. USERNAME is an e-mail address.

    Prompts for a password; an empty answer generates one, which is shown once. A script or a container
    without a terminal uses one of the three options for passwords.

    \b
      daypass portal create-admin you@example.com
      pass show daypass | daypass portal create-admin you@example.com --password-stdin
      DAYPASS_TOKEN=$(daypass portal create-admin you@example.com --random-password --with-token)
      daypass portal create-admin you@example.com --password-file /run/daypass/first-password
    """
    if password_stdin + random_password + (password_file is not None) > 1:
        raise click.UsageError("Use one of --password-stdin, --random-password and --password-file.")
    from daypass.portal.audit.committer import Committer
    from daypass.portal.audit.event import OPERATOR
    from daypass.portal.clock import utc_now
    from daypass.portal.identity.authentication import Identity
    from daypass.portal.identity.model import Role, TokenKind
    from daypass.portal.storage.migrate import check

    with report_errors(), open_database() as database:
        check(database)
        password = _password(from_stdin=password_stdin, random=random_password, file=password_file)
        committer = Committer(database, utc_now)
        try:
            identity = Identity(database, committer, utc_now)
            user = identity.create_user(username, Role.ADMINISTRATOR, password, OPERATOR)
            click.echo(f"{user.username} is an Administrator.", err=True)
            if with_token:
                token, known = identity.create_token(user, TokenKind.PERMANENT, "create-admin", OPERATOR)
                click.echo(
                    f"The API token, valid until {known.expires_at:%d %b %Y}, is shown only once:", err=True
                )
                click.echo(token.reveal())
        except PortalError:
            if password_file is not None:
                # No user has this password, and the file would keep a second attempt from using its name.
                password_file.unlink(missing_ok=True)
            raise
        finally:
            committer.close()


def _password(*, from_stdin: bool, random: bool, file: Path | None) -> Secret:
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
        raise ConfigError("The two passwords differ. No user was created.")
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
            f"The password cannot be written to {path} ({error.strerror}). No user was created. "
            "Choose a new file."
        ) from error
    click.echo(f"The password is in {path}.", err=True)
    return password
