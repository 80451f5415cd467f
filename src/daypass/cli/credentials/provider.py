"""The credential provider: cached or new credentials. Imports no click, because the AWS CLI waits for it."""

import os
from collections.abc import Mapping

from daypass.cli.auth import session
from daypass.cli.cache import request
from daypass.cli.cache.credentials import Credentials
from daypass.cli.credentials import fetch, github_actions
from daypass.cli.runtime.errors import Denied


def keys(
    flags: Mapping[str, str],
    environment: Mapping[str, str],
    now: fetch.Now,
    wanted: request.CredentialRequest | None = None,
) -> Credentials:
    """Return the credentials that *flags* and *environment* request, from the cache or the portal.

    *wanted* is the request if it was parsed from them already. Signs in if necessary. Raises a `Refusal` on
    every failure.
    """
    # Parsed before the portal is called: a sign-in for an incomplete request would be for nothing.
    wanted = wanted or request.parse_request(flags, environment)
    portal = session.portal_for(wanted, flags, environment, now)
    # The id of the session is part of the cache key, and the call above may have signed in.
    wanted = wanted.after_sign_in(environment)
    try:
        if request.NO_CACHE in flags:
            return fetch.new_credentials(wanted, portal, now)
        return fetch.shared_credentials(wanted, portal, environment, now)
    except Denied as denied:
        from daypass.cli.cache.tenant_names import with_suggestion

        raise with_suggestion(denied, environment, wanted.origin, wanted.tenant) from denied


def print_keys(
    flags: Mapping[str, str], now: fetch.Now, wanted: request.CredentialRequest | None = None
) -> None:
    """Write the credentials to stdout as one line of JSON, in the format of credential_process."""
    credentials = keys(flags, os.environ, now, wanted)
    github_actions.mask_keys(credentials, os.environ)
    try:
        os.write(1, credentials.answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        from daypass.cli.runtime.streams import unwritable

        raise unwritable(error) from error
