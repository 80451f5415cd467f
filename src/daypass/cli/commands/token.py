"""`daypass token`: the API token, for programs that call the portal themselves."""

import json
import os

import click

from daypass.cli.auth import session
from daypass.cli.commands import options
from daypass.cli.credentials import github_actions
from daypass.cli.credentials.fetch import Now


@click.command("token", context_settings=options.HELP)
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--admin", is_flag=True, help="The token of the sign-in with admin access.")
@options.portal
@click.pass_obj
def token(now: Now, /, output: str, **params: str | bool | None) -> None:
    """Print the API token that other commands would use.

    \b
    Examples:
      export DAYPASS_TOKEN="$(daypass token)"
      curl --header "Authorization: Bearer $(daypass token)" https://portal.example.com/api/v1/me
      curl --header "Authorization: Bearer $(daypass token --admin)" https://portal.example.com/api/v1/users
    """
    print_token(options.flags_of(params), now, as_json=output == "json")


def print_token(flags: dict[str, str], now: Now, *, as_json: bool) -> None:
    """Write the token to stdout."""
    secret = session.portal(flags, os.environ, now).bearer.token()
    github_actions.mask([secret], os.environ)
    click.echo(json.dumps({"token": secret}) if as_json else secret)
