"""`daypass aws`: keys for a tenant or as an Administrator, in the form that `credential_process` expects."""

import os
import sys
from collections.abc import Mapping

import click

from daypass.cli import account, actions, ask, options, refresh
from daypass.cli.cache import Entry


@click.command("aws", context_settings=options.HELP)
@options.access
@click.pass_obj
def aws(now: refresh.Now, /, **given: str | bool | None) -> None:
    """Print keys, as credential_process wants them.

    \b
    Examples:
      daypass aws --host https://portal.example.com --tenant dev01
      daypass aws --host portal.example.com --admin --duration 2h
      DAYPASS_TOKEN=… daypass aws --host portal.example.com --tenant dev01

    The keys are kept in a private cache and given out again while at least 15 minutes, or a quarter of
    their life, are left. Only the JSON goes to stdout; whatever a person should know goes to stderr.
    The exit codes are listed in `daypass --help`.
    """
    print_keys(options.flags_of(given), now)


def print_keys(flags: Mapping[str, str], now: refresh.Now) -> None:
    """Write the keys to stdout, as one line of JSON."""
    entry = keys(flags, os.environ, now)
    actions.mask_keys(entry, os.environ)
    os.write(sys.stdout.fileno(), entry.answer)


def keys(flags: Mapping[str, str], environment: Mapping[str, str], now: refresh.Now) -> Entry:
    """The keys that *flags* and *environment* ask for, kept or fresh."""
    ask.understand(flags, environment)
    portal = account.portal(flags, environment, now)
    # Once more, for there may be a sign-in now where there was none.
    wanted = ask.understand(flags, environment)
    if ask.NO_CACHE in flags:
        return refresh.fresh_entry(wanted, portal, now)
    return refresh.shared_entry(wanted, portal, environment, now)
