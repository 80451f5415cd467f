"""Opening the browser, and knowing where there is none."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.get(sys.argv[1] or None).open(sys.argv[2]))"

_OF_CONTAINERS = ("container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES")
_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


def why_none(environment: Mapping[str, str]) -> str:
    """Why a browser on this machine could not reach us, in words; "" where one can."""
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return "this is a remote shell"
    if environment.get("BROWSER"):
        return ""
    if environment.get("WSL_DISTRO_NAME"):
        return "this is WSL, and the browser is Windows'"
    is_named = any(environment.get(name) for name in _OF_CONTAINERS)
    if is_named or any(mark.exists() for mark in _CONTAINER_MARKS):
        return "this is a container"
    has_display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform not in ("darwin", "win32") and not has_display:
        return "there is no display"
    return ""


def opening(url: str, choice: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A process that opens *url*; in a session of its own, and far from our stdout, which belongs to keys."""
    return subprocess.Popen(  # noqa: S603  our own interpreter; the URL is an argument, no shell
        [sys.executable, "-I", "-c", _OPEN, choice, url],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def machine() -> str:
    """What this machine is called, for the person who answers and for the list of devices."""
    name = os.uname().nodename
    return "".join(letter for letter in name if letter.isprintable())[:64] or "this machine"
