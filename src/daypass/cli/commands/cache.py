"""`daypass cache`: the cached keys of this machine."""

import os

import click

from daypass.cli.cache import removal
from daypass.cli.commands import options
from daypass.cli.runtime.deadline import print_message
from daypass.common.counting import counted


@click.group("cache", context_settings=options.HELP)
def cache() -> None:
    """Manage the keys that are cached on this machine.

    \b
    Example:
      daypass cache clear
    """


@cache.command("clear", short_help="Remove all cached keys.", context_settings=options.HELP)
def cache_clear() -> None:
    """Remove all cached keys; they stay valid in AWS until they expire.

    \b
    Example:
      daypass cache clear
    """
    removed = removal.clear(os.environ)
    print_message(f"{counted(removed, 'cached answer')} removed.")
