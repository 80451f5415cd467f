"""Which shell reads what a command prints: the program that started it, not the login shell in SHELL."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath

from daypass.cli.runtime.errors import UsageError

POSIX, FISH, CSH, POWERSHELL = "sh", "fish", "csh", "powershell"
"""The kinds of syntax that can be printed."""

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
"""The shells that can be chosen, each with its syntax."""

_ALSO = {
    "ash": POSIX,
    "busybox": POSIX,
    "rbash": POSIX,
    "mksh": POSIX,
    "ksh93": POSIX,
    "yash": POSIX,
    "bsd-csh": CSH,
    "pwsh": POWERSHELL,
}
"""Further names under which processes of these shells run."""

_UNREADABLE = ("nu", "elvish")
"""Shells that read none of these kinds of syntax."""

_GENERATIONS = 8
"""How many ancestors are looked at: between the shell and us may be `uv run`, `sudo` or `timeout`."""

_PATIENCE = 5.0
"""Seconds that ps may take."""


def syntax_of(chosen: str | None, environment: Mapping[str, str]) -> str:
    """Return the syntax to print: of the *chosen* shell, else of the one that started this process.

    SHELL decides only if no ancestor is a known shell. Raises `UsageError` for an unknown shell.
    """
    if chosen is not None:
        return SHELLS[chosen]
    for name in _ancestors():
        if name in _UNREADABLE:
            raise UsageError(
                f"The syntax of {name} is not supported: use `daypass exec`, or choose a shell with --shell."
            )
        if (syntax := _syntax(name)) is not None:
            return syntax
    return _syntax(PurePath(environment.get("SHELL", "")).name) or POSIX


def _syntax(name: str) -> str | None:
    return SHELLS.get(name) or _ALSO.get(name)


def _ancestors() -> Iterator[str]:
    """Yield the names of the programs that started this process, the nearest first."""
    # A subshell that ran us in the background may have ended; the leader of its process group is its shell.
    for start in dict.fromkeys((os.getppid(), os.getpgrp(), os.getsid(0))):
        pid = start
        for _ in range(_GENERATIONS):
            if pid <= 1 or pid == os.getpid():
                break
            name, pid = _name_and_parent(pid)
            yield name
    if os.getppid() == 1:
        # In a container, the first process may well be the shell.
        yield _name_and_parent(1)[0]


def _name_and_parent(pid: int) -> tuple[str, int]:
    """Return the program's name and the parent's id of a process; ("", 0) if neither can be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _name_and_parent_by_ps(pid)
    # The name in parentheses may itself have blanks and parentheses.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    with suppress(OSError):
        # For a script, the name in `stat` is the script's and the executable is its interpreter.
        # The mark is there while a shell runs whose package was updated or removed.
        name = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    return name, int(rest.split()[1])


def _name_and_parent_by_ps(pid: int) -> tuple[str, int]:
    """Return the same where there is no /proc, as on macOS."""
    import subprocess

    ps = ["ps", "-o", "ppid=,comm=", "-p", str(pid)]
    try:
        said = subprocess.run(ps, capture_output=True, text=True, timeout=_PATIENCE, check=False).stdout  # noqa: S603  a fixed command
        parent, name = said.split(maxsplit=1)
        # A login shell's name begins with a dash.
        return PurePath(name.strip()).name.removeprefix("-"), int(parent)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "", 0
