"""The rules of the supervisor, in forked processes, with workers that serve nothing."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Protocol

from daypass.portal.server.errors import ServeError
from daypass.portal.server.restart_backoff import STABLE_AFTER, RestartBackoff
from daypass.portal.server.sd_notify import ServiceNotifier
from daypass.portal.server.supervisor import Generation, Hooks, Supervisor
from daypass.portal.server.worker_process import Command, SupervisorLink
from tests.portal.forked import PROCESSES
from tests.processes import is_running
from tests.waiting import wait_until


class Told(Protocol):
    """The end of a pipe to the test."""

    def send(self, obj: object, /) -> None: ...


_SHORT, _LONG = timedelta(seconds=0.3), timedelta(seconds=60)


def wait_for_commands(link: SupervisorLink) -> list[Command] | None:
    """Return the next commands, or None at the supervisor's end."""
    select.select([link], [], [])
    return link.receive()


def serve(name: str, told: Told, *, is_stubborn: bool = False) -> Callable[[SupervisorLink], int]:
    """Return a worker that reports its name and id, and ends when told to unless it is stubborn."""

    def work(link: SupervisorLink) -> int:
        told.send((name, os.getpid()))
        link.send_ready()
        # Without a supervisor, no kill would end a stubborn one.
        while wait_for_commands(link) is not None and is_stubborn:
            pass
        return 0

    return work


def fail(reason: str) -> Callable[[SupervisorLink], int]:
    """Return a worker that cannot start."""

    def work(link: SupervisorLink) -> int:
        link.send_failure(reason)
        return 1

    return work


def _two_workers(told: Told, address: str) -> None:
    """Supervise two workers beside an adopted child process; the first reload fails, the second works."""
    other = os.fork()
    if other == 0:
        signal.pause()
    told.send(("other", other))
    reloads = [
        Generation(1, fail("The database is away."), _LONG),
        Generation(1, serve("new", told, is_stubborn=True), _SHORT),
    ]
    hooks = Hooks(reload=lambda: reloads.pop(0), ready=lambda: told.send(("ready", 0)))
    first = Generation(2, serve("old", told), _LONG)
    os._exit(Supervisor(first, hooks, ServiceNotifier(address)).run())


def test_workers_are_replaced_reloaded_and_stopped(tmp_path: Path) -> None:
    ours, theirs = PROCESSES.Pipe()
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(60)
        process = PROCESSES.Process(target=_two_workers, args=(theirs, address))
        process.start()
        assert process.pid is not None
        told = [ours.recv() for _ in range(4)]
        notified = [systemd.recv(200).decode()]

        # An adopted child that ends changes nothing, and neither do signals without a meaning.
        other = told[0][1]
        os.kill(other, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{other}").exists())
        os.kill(process.pid, signal.SIGUSR1)
        os.kill(process.pid, signal.SIGUSR2)

        killed, kept = told[1][1], told[2][1]
        os.kill(killed, signal.SIGKILL)
        replaced = ours.recv()

        os.kill(process.pid, signal.SIGHUP)
        notified += [systemd.recv(200).decode(), systemd.recv(200).decode()]
        still_there = [is_running(pid) for pid in (kept, replaced[1])]

        os.kill(process.pid, signal.SIGHUP)
        new = ours.recv()
        notified += [systemd.recv(200).decode(), systemd.recv(200).decode()]
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (kept, replaced[1])))

        os.kill(process.pid, signal.SIGTERM)
        notified.append(systemd.recv(200).decode())
        process.join(60)

    assert [name for name, _ in told] == ["other", "old", "old", "ready"]
    assert (replaced[0], still_there, new[0]) == ("old", [True, True], "new")
    reloading, ready, stopping = "RELOADING=1\nMONOTONIC_USEC=", "READY=1", "STOPPING=1"
    expected = [ready, reloading, ready, reloading, ready, stopping]
    assert [text.startswith(start) for text, start in zip(notified, expected, strict=True)] == [True] * 6
    assert int(notified[1].removeprefix(reloading)) <= time.monotonic_ns() // 1000
    # The new worker does not end by itself: it was killed after its stop timeout.
    assert process.exitcode == 1
    assert not Path(f"/proc/{new[1]}").exists()


def _failing(told: Told) -> None:
    try:
        Supervisor(Generation(3, fail("The database is away."), _LONG)).run()
    except ServeError as error:
        told.send(str(error))


def test_a_first_start_that_fails_is_reported_once_and_not_repeated() -> None:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_failing, args=(theirs,))
    process.start()

    assert ours.recv() == "The database is away."
    process.join(60)
    assert process.exitcode == 0


def _orphaned(told: Told) -> None:
    Supervisor(Generation(2, serve("worker", told), _LONG)).run()


def test_workers_end_when_their_supervisor_is_killed() -> None:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_orphaned, args=(theirs,))
    process.start()
    workers = [pid for _, pid in (ours.recv(), ours.recv())]
    process.kill()
    process.join(60)

    wait_until(lambda: not any(is_running(pid) for pid in workers))


def _hanging(told: Told, is_late: Event) -> None:
    """Supervise a worker whose first replacement hangs, by a clock that jumps by 100 seconds at *is_late*."""
    ended: list[int] = []

    def work(link: SupervisorLink) -> int:
        if len(ended) != 1:
            return serve("serving", told)(link)
        told.send(("hanging", os.getpid()))
        while wait_for_commands(link) is not None:
            pass
        return 1

    def monotonic() -> float:
        return time.monotonic() + (100 if is_late.is_set() else 0)

    hooks = Hooks(ended=ended.append, ready=lambda: told.send(("ready", 0)))
    Supervisor(Generation(1, work, _LONG), hooks, monotonic=monotonic).run()


def test_a_replacement_that_hangs_while_it_starts_is_replaced() -> None:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    is_late = PROCESSES.Event()
    process = PROCESSES.Process(target=_hanging, args=(theirs, is_late))
    process.start()
    told = [ours.recv(), ours.recv()]
    os.kill(told[0][1], signal.SIGKILL)
    told.append(ours.recv())
    is_late.set()
    told += [ours.recv()] if ours.poll(60) else []
    process.kill()
    process.join(60)

    assert [name for name, _ in told] == ["serving", "ready", "hanging", "serving"]
    wait_until(lambda: not is_running(told[2][1]))


def test_workers_that_end_early_are_replaced_with_growing_delays() -> None:
    backoff = RestartBackoff()

    early = [backoff.delay_after(0.1, others_serve=True) for _ in range(8)]
    stable = backoff.delay_after(STABLE_AFTER, others_serve=True)
    again = [backoff.delay_after(0.1, others_serve=True) for _ in range(2)]

    assert early == [0, 1, 2, 4, 8, 16, 30, 30]
    assert (stable, again) == (0, [0, 1])
    assert [RestartBackoff(2000).delay_after(1, others_serve=True)] == [30]


def test_the_only_worker_is_replaced_soon() -> None:
    backoff = RestartBackoff()

    assert [backoff.delay_after(0.1, others_serve=False) for _ in range(6)] == [0, 1, 2, 2, 2, 2]
