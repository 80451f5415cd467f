"""Forking a worker, and the messages between it and its supervisor."""

import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that stop the server."""
IGNORED_SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""The signals that a worker ignores, because they are often sent to all processes of a service."""
SUPERVISOR_SIGNALS = (*STOP_SIGNALS, *IGNORED_SIGNALS, signal.SIGCHLD)

_READY = b"+"
_FAILED = b"-"
_LONGEST_REASON = 4000


class Command(Enum):
    """A request of the supervisor to a worker."""

    STOP = b"s"
    """Complete the requests in progress, and end."""
    HURRY = b"h"
    """Close all connections, and end."""
    RETIRE = b"r"
    """Leave new connections to the new workers, and end when the clients have left."""


class SupervisorLink:
    """The worker's side of the connection to its supervisor."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor, which becomes readable with a command or the supervisor's end."""
        return self._connection.fileno()

    def send_ready(self) -> None:
        """Tell the supervisor that this worker serves."""
        # A supervisor that has ended is noticed by `receive`.
        with suppress(OSError):
            self._connection.send(_READY)

    def send_failure(self, reason: str) -> None:
        """Tell the supervisor why this worker cannot serve, before it ends."""
        with suppress(OSError):
            self._connection.send(_FAILED + reason.encode(errors="replace")[:_LONGEST_REASON])

    def receive(self) -> list[Command] | None:
        """Return the commands received so far, or None if the supervisor has ended."""
        try:
            received = self._connection.recv(64)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return [Command(received[at : at + 1]) for at in range(len(received))] if received else None


@dataclass(slots=True, eq=False)
class Worker:
    """A worker process, as its supervisor sees it."""

    pid: int
    connection: socket.socket
    started_at: float
    is_ready: bool = field(default=False)
    failure: str = field(default="")
    """The reason why it cannot serve, if it sent one."""
    kill_at: float | None = field(default=None)
    """The time at which it is killed, once it was told to end."""

    def send(self, command: Command) -> None:
        """Send a command; one to a worker that has ended is lost."""
        with suppress(OSError):
            self.connection.send(command.value)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the worker has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def read_messages(self) -> bool:
        """Read the worker's messages; return whether more may come."""
        try:
            received = self.connection.recv(2 * _LONGEST_REASON)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if received.startswith(_READY):
            self.is_ready = True
        _, failed, reason = received.partition(_FAILED)
        if failed:
            self.failure = reason.decode(errors="replace")
        return bool(received)


def fork_worker(work: Callable[[SupervisorLink], int], close: Iterable[int], now: float) -> Worker:
    """Run *work* in a forked process, which ends with the returned exit code.

    The worker closes the descriptors *close*. A copy of another worker's connection would hide the end of the
    supervisor from that worker.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    # Until the worker has its own handlers, a signal would be taken for one to the supervisor.
    signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISOR_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                for descriptor in close:
                    os.close(descriptor)
                _reset_signals()
                code = work(SupervisorLink(theirs))
            except Exception:  # nothing else would print it
                traceback.print_exc()
            finally:
                # The worker must not run the supervisor's cleanup.
                os._exit(code)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISOR_SIGNALS)
    theirs.close()
    return Worker(pid, ours, now)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISOR_SIGNALS)


def describe_exit(status: int) -> str:
    """Return how a process ended, by its status from `waitpid`."""
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def exited_cleanly(status: int) -> bool:
    """Return whether a worker ended normally or by a stop signal, which may come before its handler."""
    return status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in STOP_SIGNALS)
