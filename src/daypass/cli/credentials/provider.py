"""Keys as they were asked for, kept or fresh. Imports no click: the AWS CLI waits for what is not kept."""

import os
from collections.abc import Mapping

from daypass.cli.auth import session
from daypass.cli.cache import request
from daypass.cli.cache.entries import Entry
from daypass.cli.credentials import fetch, github_actions
from daypass.cli.runtime.errors import Denied


def keys(flags: Mapping[str, str], environment: Mapping[str, str], now: fetch.Now) -> Entry:
    """The keys that *flags* and *environment* ask for, kept or fresh."""
    request.parse_request(flags, environment)
    portal = session.portal(flags, environment, now)
    # Once more, for there may be a sign-in now where there was none.
    wanted = request.parse_request(flags, environment)
    try:
        if request.NO_CACHE in flags:
            return fetch.fresh_entry(wanted, portal, now)
        return fetch.shared_entry(wanted, portal, environment, now)
    except Denied as denied:
        from daypass.cli.cache.tenant_names import suggesting

        raise suggesting(denied, environment, wanted.origin, wanted.tenant) from denied


def print_keys(flags: Mapping[str, str], now: fetch.Now) -> None:
    """Write the keys to stdout, as one line of JSON."""
    entry = keys(flags, os.environ, now)
    github_actions.mask_keys(entry, os.environ)
    try:
        os.write(1, entry.answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        from daypass.cli.runtime.streams import unwritable

        raise unwritable(error) from error
