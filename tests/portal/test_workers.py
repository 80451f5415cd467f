"""The supervisor of worker processes ignores other child processes."""

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from daypass.portal.server import run_workers
from tests.portal.forked import PROCESSES
from tests.waiting import wait_until


def _portal(ours: "Connection[object, object]") -> None:
    """Run one worker, beside an adopted child process that ends on request."""
    other = os.fork()
    if other == 0:
        ours.recv()
        os._exit(1)

    def work() -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        ours.send(other)
        signal.sigwait({signal.SIGTERM})
        return 0

    os._exit(run_workers(1, work))


def test_an_adopted_child_process_does_not_stop_the_workers() -> None:
    ours, theirs = PROCESSES.Pipe()
    portal = PROCESSES.Process(target=_portal, args=(theirs,))
    portal.start()
    other = ours.recv()

    ours.send("end")
    wait_until(lambda: not Path(f"/proc/{other}").exists())
    assert portal.pid is not None
    os.kill(portal.pid, signal.SIGTERM)
    portal.join(60)

    assert portal.exitcode == 0
