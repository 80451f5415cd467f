"""The children and sockets of other processes, and commands that run as a user without a home directory."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

UNKNOWN_USER = "54321"
"""A user id without a passwd entry, as container platforms assign them."""


def as_unknown_user(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """Return the command as run by that user; the capability only lets it read this checkout."""
    inside = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    if os.getuid() != 0 and _may_have_namespaces():
        return ["unshare", "--user", f"--map-user={UNKNOWN_USER}", "--", *inside]
    user = [f"--reuid={UNKNOWN_USER}", f"--regid={UNKNOWN_USER}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    sudo = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]
    return [*sudo, "setpriv", *user, *capability, "--", *inside]


@cache
def _may_have_namespaces() -> bool:
    """Return whether an ordinary user may have another id in a namespace; some distributions forbid it."""
    trial = ["unshare", "--user", f"--map-user={UNKNOWN_USER}", "true"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def is_running(pid: int) -> bool:
    """Return whether the process exists and has not ended; one that has is kept until its parent asks."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def children_of(pid: int) -> Sequence[int]:
    """Return the ids of the children of a process."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sockets_of(pid: int) -> Iterator[str]:
    """Yield the inodes of the open sockets of a process; one that it closes meanwhile may be missing."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(link.readlink())
            if target.startswith("socket:"):
                yield target.removeprefix("socket:[").removesuffix("]")
