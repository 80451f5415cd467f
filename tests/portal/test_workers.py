"""Whoever starts several processes looks after those, and after no others."""

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from daypass.portal.server import run_workers
from tests.portal.forked import PROCESSES


def _portal(ours: "Connection[object, object]") -> None:
    """One worker, beside a child that somebody else left to this process, and that ends when it is told."""
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


def test_the_end_of_another_s_child_is_none_of_the_portal_s() -> None:
    ours, theirs = PROCESSES.Pipe()
    portal = PROCESSES.Process(target=_portal, args=(theirs,))
    portal.start()
    other = ours.recv()

    ours.send("end")
    give_up = time.monotonic() + 60
    while Path(f"/proc/{other}").exists():
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert portal.pid is not None
    os.kill(portal.pid, signal.SIGTERM)
    portal.join(60)

    assert portal.exitcode == 0
