"""Masking of secrets in the log of a GitHub Actions job."""

import sys
from collections.abc import Iterable, Mapping

from daypass.cli.cache.credentials import Credentials


def mask(secrets: Iterable[str], environment: Mapping[str, str]) -> None:
    """Make the runner mask *secrets* in the job's log; do nothing outside GitHub Actions."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    # The runner reads commands from stderr too, and stdout may be redirected into a file or a variable. A
    # percent sign is escaped as "%25".
    sys.stderr.write("".join(f"::add-mask::{secret.replace('%', '%25')}\n" for secret in secrets))
    # The secrets must be masked before they can be printed.
    sys.stderr.flush()


def mask_keys(credentials: Credentials, environment: Mapping[str, str]) -> None:
    """Make the runner mask the credentials in *credentials*."""
    keys = credentials.keys()
    mask((keys.access_key_id, keys.secret_access_key, keys.session_token), environment)
