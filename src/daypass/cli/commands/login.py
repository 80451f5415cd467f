"""`daypass login` and `daypass logout`: begin and end this machine's session at the portal."""

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
@click.option(
    "--reauthenticate",
    is_flag=True,
    help="Prove your identity again, for tenants that ask for a recent authentication.",
)
@options.browser
@options.ca_file
@options.debug
@click.pass_obj
def login(now: Now, /, **params: str | bool | None) -> None:
    """Sign in through the browser, for twelve hours.

    \b
    Examples:
      daypass login --host https://portal.example.com
      daypass login --host portal.example.com --admin
      daypass login --reauthenticate                  before work in a tenant that asks for it
      daypass login --no-browser                      over SSH: the page shows a code to paste

    Commands that need a sign-in start one by themselves; this one does it in advance, or again. The page in
    the browser must show the same code as the terminal. The exit codes are listed in `daypass --help`.
    """
    signed_in = session.open_session(options.flags_of(params), os.environ, now)
    stored = signed_in.log_in()
    # Listing the tenants caches their names for completion. It must never start another sign-in.
    with suppress(Refusal):
        queries.tenants(Portal(signed_in.origin, session.StaticToken(stored.access), signed_in.trust))


@click.command("logout", context_settings=options.HELP)
@options.host
@options.ca_file
@options.debug
@click.pass_obj
def logout(now: Now, /, **params: str | bool | None) -> None:
    """Sign out on this machine and at the portal.

    \b
    Example:
      daypass logout --host https://portal.example.com

    Cached keys are removed; in AWS they stay valid until they expire. The exit codes are listed in
    `daypass --help`.
    """
    signed_in = session.open_session(options.flags_of(params), os.environ, now)
    ended = signed_in.log_out()
    print_message(
        f"Signed out of {signed_in.origin}."
        if ended
        else f"This machine was not signed in to {signed_in.origin}."
    )
