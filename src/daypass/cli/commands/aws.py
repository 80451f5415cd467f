"""`daypass aws`: keys for a tenant or for admin access, in the form that `credential_process` expects."""

import click

from daypass.cli.commands import legacy, options
from daypass.cli.credentials.fetch import Now
from daypass.cli.credentials.provider import print_keys


@click.command("aws", context_settings=options.HELP)
@options.access
@legacy.unsupported_options
@click.pass_obj
def aws(now: Now, /, **params: str | bool | None) -> None:
    """Print keys in the form that credential_process expects.

    \b
    Examples:
      daypass aws --host https://portal.example.com --tenant dev01
      daypass aws --host portal.example.com --admin --duration 2h
      DAYPASS_TOKEN=… daypass aws --host portal.example.com --tenant dev01
      daypass aws --host portal.example.com --tenant dev01 --identity github

    The keys are cached in a private folder and reused while at least 16 minutes, or half of their
    lifetime, are left. Only the JSON goes to stdout; messages go to stderr.
    The exit codes are listed in `daypass --help`.
    """
    print_keys(options.flags_of(params), now)
