"""`daypass login` and `daypass logout`: the sign-in of this machine, by hand."""

import os
from contextlib import suppress

import click

from daypass.cli.api import queries
from daypass.cli.api.client import Portal
from daypass.cli.auth import session
from daypass.cli.auth.session_store import Now
from daypass.cli.commands import options
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Refusal


@click.command("login", context_settings=options.HELP)
@options.host
@click.option("--admin", is_flag=True, help="For admin access too; for Administrators.")
@options.browser
@options.ca_file
@options.debug
@click.pass_obj
def login(now: Now, /, **given: str | bool | None) -> None:
    """Sign in through the browser, for twelve hours.

    \b
    Examples:
      daypass login --host https://portal.example.com
      daypass login --host portal.example.com --admin
      daypass login --no-browser                      over SSH: the page shows a code to paste

    Commands that need a sign-in begin one by themselves; this does it beforehand, or anew. The page in the
    browser must show the code that the terminal shows. The exit codes are listed in `daypass --help`.
    """
    signed_in = session.account(options.flags_of(given), os.environ, now)
    kept = signed_in.log_in()
    # The tenants' names are wanted from now on, for completion. This must never begin another sign-in.
    with suppress(Refusal):
        queries.tenants(Portal(signed_in.origin, session.StaticToken(kept.access), signed_in.trust))


@click.command("logout", context_settings=options.HELP)
@options.host
@options.ca_file
@options.debug
@click.pass_obj
def logout(now: Now, /, **given: str | bool | None) -> None:
    """End the sign-in on this machine, here and at the portal.

    \b
    Example:
      daypass logout --host https://portal.example.com

    Keys that were kept here are removed; in AWS they live on until they end by themselves. The exit codes
    are listed in `daypass --help`.
    """
    signed_in = session.account(options.flags_of(given), os.environ, now)
    ended = signed_in.log_out()
    print_message(
        f"Signed out of {signed_in.origin}." if ended else f"Nobody was signed in to {signed_in.origin}."
    )
