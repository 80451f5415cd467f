"""Runs commands as a user id without a passwd entry, and so without a home directory."""

import os
import subprocess
from collections.abc import Mapping
from functools import cache

UNKNOWN_USER = "54321"
"""A user id without a passwd entry, as container platforms assign them."""


def as_unknown_user(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """The command as run by that user; the capability only lets it read this checkout."""
    inside = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    if os.getuid() != 0 and _may_have_namespaces():
        return ["unshare", "--user", f"--map-user={UNKNOWN_USER}", "--", *inside]
    user = [f"--reuid={UNKNOWN_USER}", f"--regid={UNKNOWN_USER}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    sudo = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]
    return [*sudo, "setpriv", *user, *capability, "--", *inside]


@cache
def _may_have_namespaces() -> bool:
    """Whether an ordinary user may have another user id in a namespace; some distributions forbid it."""
    trial = ["unshare", "--user", f"--map-user={UNKNOWN_USER}", "true"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0
