"""Keys as they were asked for, kept or fresh. Imports no click: the AWS CLI waits for what is not kept."""

import os
from collections.abc import Mapping

from daypass.cli import account, actions, ask, refresh
from daypass.cli.cache import Entry
from daypass.cli.errors import Denied


def keys(flags: Mapping[str, str], environment: Mapping[str, str], now: refresh.Now) -> Entry:
    """The keys that *flags* and *environment* ask for, kept or fresh."""
    ask.understand(flags, environment)
    portal = account.portal(flags, environment, now)
    # Once more, for there may be a sign-in now where there was none.
    wanted = ask.understand(flags, environment)
    try:
        if ask.NO_CACHE in flags:
            return refresh.fresh_entry(wanted, portal, now)
        return refresh.shared_entry(wanted, portal, environment, now)
    except Denied as denied:
        from daypass.cli.names import suggesting

        raise suggesting(denied, environment, wanted.origin, wanted.tenant) from denied


def print_keys(flags: Mapping[str, str], now: refresh.Now) -> None:
    """Write the keys to stdout, as one line of JSON."""
    entry = keys(flags, os.environ, now)
    actions.mask_keys(entry, os.environ)
    try:
        os.write(1, entry.answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        from daypass.cli.streams import unwritable

        raise unwritable(error) from error
