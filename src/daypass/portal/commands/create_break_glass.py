"""`daypass portal create-break-glass`: the local Administrator for the time without an identity provider."""

from pathlib import Path

import click

from daypass.portal.commands.common import open_database, report_errors
from daypass.portal.commands.new_password import check_password_options, new_password, password_options
from daypass.portal.errors import PortalError


@click.command("create-break-glass")
@click.argument("username")
@password_options
@click.option("--replace", is_flag=True, help="Change the password of the present account, or replace it.")
def create_break_glass(
    username: str, password_stdin: bool, random_password: bool, password_file: Path | None, replace: bool
) -> None:
    """Create the break-glass account.

    USERNAME is its name. There is at most one, a local Administrator. It signs in with its password even if
    passwords are turned off for all others (DAYPASS_PASSWORDS=break-glass), and every use is an alert in the
    audit log. No page and no API can change, disable or delete it. Keep the password where two people are
    needed to read it.

    With --replace, the same USERNAME gets a new password, is enabled, and its sign-ins and tokens end;
    another USERNAME becomes the break-glass account, and the former one is disabled.

    \b
      daypass portal create-break-glass break-glass@example.com --password-file /run/daypass/break-glass
      daypass portal create-break-glass break-glass@example.com --replace
    """
    check_password_options(from_stdin=password_stdin, random=random_password, file=password_file)
    from daypass.portal.admin.users.break_glass import BreakGlassAccount, SetUp
    from daypass.portal.audit.committer import Committer
    from daypass.portal.clock import utc_now
    from daypass.portal.storage.migrate import check

    said = {
        SetUp.CREATED: "is the break-glass account.",
        SetUp.PASSWORD_CHANGED: "has a new password. Its sign-ins and tokens have ended.",
        SetUp.REPLACED: "is the break-glass account now. The former one is disabled.",
    }
    with report_errors(), open_database() as database:
        check(database)
        committer = Committer(database, utc_now)
        try:
            account = BreakGlassAccount(database, committer, utc_now)
            # Before a password is asked for, or shown that would be of no account.
            account.check(username, replaces=replace)
            password = new_password(from_stdin=password_stdin, random=random_password, file=password_file)
            try:
                user, result = account.set_up(username, password, replaces=replace)
            except PortalError:
                if password_file is not None:
                    # No account has this password, and the file would keep a second attempt from using its
                    # name.
                    password_file.unlink(missing_ok=True)
                raise
            click.echo(f"{user.username} {said[result]}", err=True)
        finally:
            committer.close()
