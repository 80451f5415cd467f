"""The limits of the sandbox's process: it starts no programs, and opens no sockets but its own.

MiniStack executes Lambda functions, builds, jobs and tasks that clients send. The sandbox is a control plane
only. `ministack/control_plane.py` answers such calls itself; this module stops those that it overlooks.
"""

import sys
from collections.abc import Callable
from typing import Any

_PROGRAMS = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)
_SOCKETS = frozenset({"socket.bind", "socket.connect"})


def confine(port: int) -> None:
    """Refuse, with `PermissionError`, to start programs, to listen, and to connect to other than *port*.

    It holds until the process ends, because an audit hook cannot be removed. Call it after binding.
    """
    sys.addaudithook(_hook(port))


def _hook(port: int) -> Callable[[str, tuple[Any, ...]], None]:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            raise PermissionError("The sandbox starts no programs.")
        # The console's inventory calls the sandbox itself.
        if event in _SOCKETS and (event == "socket.bind" or arguments[1] != ("127.0.0.1", port)):
            raise PermissionError("The sandbox opens no sockets other than its own.")

    return refuse
