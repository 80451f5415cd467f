"""Detection of the shell that evaluates a command's output: its parent, not the login shell in SHELL."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath

from daypass.cli.runtime.errors import UsageError

POSIX, FISH, CSH, POWERSHELL = "sh", "fish", "csh", "powershell"
"""The supported kinds of syntax."""

SHELLS = {
    "bash": POSIX,
    "zsh": POSIX,
    "sh": POSIX,
    "dash": POSIX,
    "ksh": POSIX,
    "fish": FISH,
    "csh": CSH,
    "tcsh": CSH,
    "powershell": POWERSHELL,
}
"""The shells that --shell accepts, each with its syntax."""

_MORE_NAMES = {
    "ash": POSIX,
    "busybox": POSIX,
    "rbash": POSIX,
    "mksh": POSIX,
    "ksh93": POSIX,
    "yash": POSIX,
    "bsd-csh": CSH,
    "pwsh": POWERSHELL,
}
"""Further names of processes, each with the shell's syntax."""

_UNSUPPORTED = ("nu", "elvish")
"""Shells whose syntax is not supported."""

_MAX_ANCESTORS = 8
"""Maximum number of ancestors to inspect: `uv run`, `sudo` or `timeout` may be between shell and command."""

_PS_TIMEOUT = 5.0
"""Timeout of ps, in seconds."""


def syntax_of(chosen: str | None, environment: Mapping[str, str]) -> str:
    """Return the syntax of the *chosen* shell, else of the shell that started this process.

    Falls back to SHELL if no ancestor is a known shell. Raises `UsageError` for an unsupported shell.
    """
    if chosen is not None:
        return SHELLS[chosen]
    for name in _ancestors():
        if name in _UNSUPPORTED:
            raise UsageError(
                f"The syntax of {name} is not supported: use `daypass exec`, or choose a shell with --shell."
            )
        if (syntax := _syntax(name)) is not None:
            return syntax
    return _syntax(PurePath(environment.get("SHELL", "")).name) or POSIX


def _syntax(name: str) -> str | None:
    return SHELLS.get(name) or _MORE_NAMES.get(name)


def _ancestors() -> Iterator[str]:
    """Yield the names of the programs that started this process, the nearest first."""
    # A background subshell may have ended; the leader of its process group is then the shell.
    for start in dict.fromkeys((os.getppid(), os.getpgrp(), os.getsid(0))):
        pid = start
        for _ in range(_MAX_ANCESTORS):
            if pid <= 1 or pid == os.getpid():
                break
            name, pid = _name_and_parent(pid)
            yield name
    if os.getppid() == 1:
        # In a container, process 1 may be the shell.
        yield _name_and_parent(1)[0]


def _name_and_parent(pid: int) -> tuple[str, int]:
    """Return the program name and the parent's id of a process; ("", 0) if they cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _name_and_parent_by_ps(pid)
    # The name in parentheses may itself contain blanks and parentheses.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    with suppress(OSError):
        # For a script, `stat` has the script's name, but the executable is its interpreter. The kernel
        # appends the mark if the executable was replaced or removed while it runs.
        name = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    return name, int(rest.split()[1])


def _name_and_parent_by_ps(pid: int) -> tuple[str, int]:
    """Return the same on systems without /proc, such as macOS."""
    import subprocess

    ps = ["ps", "-o", "ppid=,comm=", "-p", str(pid)]
    try:
        output = subprocess.run(ps, capture_output=True, text=True, timeout=_PS_TIMEOUT, check=False).stdout  # noqa: S603  a fixed command
        parent, name = output.split(maxsplit=1)
        # The name of a login shell begins with a dash.
        return PurePath(name.strip()).name.removeprefix("-"), int(parent)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "", 0
