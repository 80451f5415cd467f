"""GitHub Actions: secrets that leave through us are stars in the log of whatever job we run in."""

import json
import sys
from collections.abc import Iterable, Mapping

from daypass.cli.cache.entries import Entry


def mask(secrets: Iterable[str], environment: Mapping[str, str]) -> None:
    """Have the runner hide *secrets* from now on."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    # The runner takes commands from stderr as well, and stdout may lead into a file or a variable. It takes
    # "%25" for a percent sign.
    sys.stderr.write("".join(f"::add-mask::{secret.replace('%', '%25')}\n" for secret in secrets))
    # Before anything else is written anywhere.
    sys.stderr.flush()


def mask_keys(entry: Entry, environment: Mapping[str, str]) -> None:
    """Have the runner hide the keys of *entry*."""
    keys = json.loads(entry.answer)
    mask((keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]), environment)
