"""Paths of the two files of the AWS tools."""

import os
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.runtime.home import no_home

USUAL_CREDENTIALS = "~/.aws/credentials"


def config_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the AWS config file; raises `Misconfigured` where there is no home directory."""
    return _path(environment, "AWS_CONFIG_FILE", "~/.aws/config")


def credentials_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the shared credentials file, in the same way."""
    return _path(environment, "AWS_SHARED_CREDENTIALS_FILE", USUAL_CREDENTIALS)


def _path(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    # The AWS tools expand variables first and the home directory then; a relative path stays one, and an
    # empty HOME means "/". Without a home they would look in the working directory: that is refused here.
    named = os.path.expandvars(environment.get(variable) or usual)
    path = Path(os.path.expanduser(named))  # noqa: PTH111  Path.expanduser raises where this leaves the tilde
    if named.startswith("~") and not path.is_absolute():
        raise no_home(named)
    return path
