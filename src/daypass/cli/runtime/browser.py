"""Opening the user's browser, and detecting environments without one."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.common.lines import printable_line

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.get(sys.argv[1] or None).open(sys.argv[2]))"

_CONTAINER_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES")
_CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))


def unavailable_reason(environment: Mapping[str, str]) -> str:
    """Return why a browser cannot reach a server on this machine's loopback address; "" if it can."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return "this is a remote shell"
    # In WSL and in containers, a named browser is one that the user has made to work.
    if environment.get("BROWSER"):
        return ""
    if environment.get("WSL_DISTRO_NAME"):
        return "this is WSL, and the browser is Windows'"
    is_named = any(environment.get(name) for name in _CONTAINER_VARIABLES)
    if is_named or any(mark.exists() for mark in _CONTAINER_FILES):
        return "this is a container"
    has_display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform not in ("darwin", "win32") and not has_display:
        return "there is no display"
    return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The browser named with --browser or in BROWSER."""

    command: str
    """Name or command line for the module `webbrowser`; "" for the default browser."""
    missing: str = ""
    """The reason why it cannot be opened; "" if no reason is known."""


def choose(flag: str, environment: Mapping[str, str]) -> Choice:
    """Return the browser to open: that of the flag, else the first in BROWSER that exists."""
    named = flag or environment.get("BROWSER", "")
    alternatives = [flag] if flag else named.split(os.pathsep)
    if not named.strip():
        return Choice("")
    for alternative in alternatives:
        command = _command(alternative.strip(), environment.get("PATH"))
        if command:
            return Choice(command)
    return Choice(named, f"there is no browser {named}")


def _command(named: str, path: str | None) -> str:
    """Return *named* in the form `webbrowser` expects, with `%s` for the URL; "" if it does not exist."""
    try:
        words = shlex.split(named)
    except ValueError:
        return ""
    if not words:
        return ""
    if len(words) == 1 and _has_own_controller(named):
        return named
    if shutil.which(words[0], path=path) is None:
        return ""
    return named if "%s" in named else f"{named} %s"


def _has_own_controller(name: str) -> bool:
    """Return whether `webbrowser` has specific support for the name, such as `firefox` or `safari`."""
    import webbrowser

    try:
        controller = webbrowser.get(name)
    except webbrowser.Error:
        return False
    # `webbrowser` registers the program in BROWSER as generic even if it does not exist.
    return not isinstance(controller, webbrowser.GenericBrowser)


def open_url(url: str, choice: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a process that opens *url*, detached from the session and from stdout."""
    return subprocess.Popen(  # noqa: S603  our own interpreter; the URL is an argument, no shell
        # In a process of its own, because some browsers stay in the foreground until they are closed.
        [sys.executable, "-I", "-c", _OPEN, choice, url],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def machine() -> str:
    """Return this machine's name for the consent page and the list of devices."""
    name = os.uname().nodename
    return printable_line(name, 64, "") or "this machine"
