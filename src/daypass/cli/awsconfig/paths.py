"""Paths of the two files of the AWS tools."""

import os
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.runtime.home import no_home

USUAL_CREDENTIALS = "~/.aws/credentials"


def config_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the AWS config file; raises `Misconfigured` without a home directory."""
    return _path(environment, "AWS_CONFIG_FILE", "~/.aws/config")


def credentials_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the shared credentials file; raises `Misconfigured` without a home directory."""
    return _path(environment, "AWS_SHARED_CREDENTIALS_FILE", USUAL_CREDENTIALS)


def _path(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    # As the AWS tools do it: variables are expanded before the home directory, a relative path stays relative
    # and an empty HOME means "/". Without a home directory they would use the working directory, which is
    # refused here.
    named = os.path.expandvars(environment.get(variable) or usual)
    path = Path(os.path.expanduser(named))  # noqa: PTH111  Path.expanduser raises where this leaves the tilde
    if named.startswith("~") and not path.is_absolute():
        raise no_home(named)
    return path
