"""`daypass aws`: keys for a tenant or as an Administrator, in the form that `credential_process` expects."""

import click

from daypass.cli.commands import legacy, options
from daypass.cli.credentials.fetch import Now
from daypass.cli.credentials.provider import print_keys


@click.command("aws", context_settings=options.HELP)
@options.access
@legacy.unsupported_options
@click.pass_obj
def aws(now: Now, /, **given: str | bool | None) -> None:
    """Print keys, as credential_process wants them.

    \b
    Examples:
      daypass aws --host https://portal.example.com --tenant dev01
      daypass aws --host portal.example.com --admin --duration 2h
      DAYPASS_TOKEN=… daypass aws --host portal.example.com --tenant dev01

    The keys are kept in a private cache and given out again while at least 16 minutes, or half of
    their life, are left. Only the JSON goes to stdout; whatever a person should know goes to stderr.
    The exit codes are listed in `daypass --help`.
    """
    print_keys(options.flags_of(given), now)
