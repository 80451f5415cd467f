"""`daypass portal create-admin`: a new Administrator, from a shell on the portal's machine."""

from pathlib import Path

import click

from daypass.portal.commands.common import open_database, report_errors
from daypass.portal.commands.new_password import check_password_options, new_password, password_options
from daypass.portal.errors import PortalError


@click.command("create-admin")
@click.argument("username")
@password_options
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
    check_password_options(from_stdin=password_stdin, random=random_password, file=password_file)
    from daypass.portal.audit.committer import Committer
    from daypass.portal.audit.event import OPERATOR
    from daypass.portal.clock import utc_now
    from daypass.portal.identity.authentication import Identity
    from daypass.portal.identity.model import Role, TokenKind
    from daypass.portal.storage.migrate import check

    with report_errors(), open_database() as database:
        check(database)
        committer = Committer(database, utc_now)
        try:
            identity = Identity(database, committer, utc_now)
            # Before a password is asked for, or shown that would be of no account.
            identity.require_new_username(username)
            password = new_password(from_stdin=password_stdin, random=random_password, file=password_file)
            try:
                user = identity.create_user(username, Role.ADMINISTRATOR, password, OPERATOR)
            except PortalError:
                if password_file is not None:
                    # No user has this password, and the file would keep a second attempt from using its name.
                    password_file.unlink(missing_ok=True)
                raise
            click.echo(f"{user.username} is an Administrator.", err=True)
            if with_token:
                token, known = identity.create_token(user, TokenKind.PERMANENT, "create-admin", OPERATOR)
                click.echo(
                    f"The API token, valid until {known.expires_at:%d %b %Y}, is shown only once:", err=True
                )
                click.echo(token.reveal())
        finally:
            committer.close()
