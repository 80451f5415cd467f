"""The supervisor of the worker processes: starts, replaces, reloads and stops them."""

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from daypass.portal.server.errors import ServeError
from daypass.portal.server.restart_backoff import RestartBackoff
from daypass.portal.server.sd_notify import ServiceNotifier
from daypass.portal.server.signals import SignalQueue, is_terminal_gone, queued_signals
from daypass.portal.server.worker_process import (
    STOP_SIGNALS,
    SUPERVISOR_SIGNALS,
    Command,
    SupervisorLink,
    Worker,
    describe_exit,
    exited_cleanly,
    fork_worker,
)

_LONGEST_START = 60.0
"""Seconds after which a new worker that is not ready counts as failed."""

_log = structlog.get_logger("portal.supervisor")


class Resource(Protocol):
    """Something that a generation needs open, such as its listening socket."""

    def close(self) -> None:
        """Release it in this process."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The workers that run with one configuration and certificate."""

    number: int
    """The number of workers."""
    work: Callable[[SupervisorLink], int]
    """Serves in a worker process until told to stop, and returns its exit code."""
    stop_timeout: timedelta
    resources: tuple[Resource, ...] = ()
    """The open files that workers inherit; generations may share them."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks of the supervisor; each must return at once."""

    reload: Callable[[], Generation | None] = lambda: None
    """Returns the generation by the present configuration (after SIGHUP); raises `ServeError` with the reason
    if it is invalid."""
    poll: Callable[[], Generation | None] = lambda: None
    """Called once a second; returns a generation if the certificate was replaced."""
    accepted: Callable[[Generation], None] = lambda _: None
    """Called when a reloaded generation serves."""
    ready: Callable[[], None] = lambda: None
    """Called when all workers of the first generation serve."""
    ended: Callable[[int], None] = lambda _: None
    """Called with the pid of each worker that has ended."""
    pause_log: Callable[[], None] = lambda: None
    """Ends the threads of this process before it forks."""
    resume_log: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Supervisor:
    """Keeps the workers of one generation running until a stop signal."""

    current: Generation
    hooks: Hooks = field(default_factory=Hooks)
    notifier: ServiceNotifier = field(default_factory=lambda: ServiceNotifier(""))
    ready_descriptors: tuple[int, ...] = ()
    """Descriptors that the hook `ready` closes; workers close them too."""
    monotonic: Callable[[], float] = time.monotonic
    poll_interval: float = 1.0
    _next: Generation | None = None
    """The generation of a reload in progress."""
    _workers: dict[int, tuple[Worker, Generation]] = field(default_factory=dict)
    _restarts: list[float] = field(default_factory=list)
    """The times at which workers are started in place of ended ones."""
    _backoff: RestartBackoff = field(default_factory=RestartBackoff)
    _is_started: bool = False
    _is_reload_wanted: bool = False
    _is_stopping: bool = False
    _exit_code: int = 0
    _failure: str = ""
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _signals: SignalQueue = field(init=False)
    _polled_at: float = 0.0

    def run(self) -> int:
        """Supervise until all workers have ended; return the exit code: 0 after a stop that went as asked.

        Raises `ServeError` if a worker of the first start reported why it cannot serve.
        """
        with queued_signals(SUPERVISOR_SIGNALS) as self._signals, self._selector:
            self._selector.register(self._signals, selectors.EVENT_READ)
            # The others are started when the first is ready, so that a configuration error is reported once.
            self._start_worker(self.current)
            while self._workers or self._restarts:
                for key, _ in self._selector.select(self._next_deadline() - self.monotonic()):
                    if isinstance(key.data, Worker):
                        self._read(key.data)
                for number in self._signals.receive():
                    self._handle_signal(number)
                self._reap()
                self._keep_deadlines()
        if self._failure:
            raise ServeError(self._failure)
        return self._exit_code

    def _start_worker(self, generation: Generation) -> None:
        self.hooks.pause_log()
        others = [worker.connection.fileno() for worker, _ in self._workers.values()]
        close = (*self._signals.descriptors(), *others, *self.ready_descriptors)

        def work(link: SupervisorLink) -> int:
            for other in (self.current, self._next):
                # A copy of a socket in this process would keep it open after the others have left it.
                if other is not None:
                    _close_except(other, generation)
            return generation.work(link)

        worker = fork_worker(work, close, self.monotonic())
        self.hooks.resume_log()
        self._workers[worker.pid] = worker, generation
        self._selector.register(worker.connection, selectors.EVENT_READ, worker)

    def _workers_of(self, generation: Generation | None) -> list[Worker]:
        return [worker for worker, its in self._workers.values() if its is generation]

    def _read(self, worker: Worker) -> None:
        was_ready = worker.is_ready
        if not worker.read_messages():
            self._selector.unregister(worker.connection)
        if worker.is_ready and not was_ready and not self._is_stopping:
            self._complete_start()

    def _complete_start(self) -> None:
        """Start what is missing of a generation whose first worker is ready; take it when all are."""
        generation = self._next or self.current
        if self._is_started and self._next is None:
            return
        workers = self._workers_of(generation)
        if not any(worker.is_ready for worker in workers):
            return
        for _ in range(generation.number - len(workers)):
            self._start_worker(generation)
        if not all(worker.is_ready for worker in self._workers_of(generation)):
            return
        if self._next is not None:
            self._take_next(self._next)
        else:
            self._is_started = True
            self.hooks.ready()
            self.ready_descriptors = ()
            self.notifier.ready()
        if self._is_reload_wanted:
            self._reload()

    def _handle_signal(self, number: int) -> None:
        name = signal.Signals(number).name
        if number in STOP_SIGNALS or (number == signal.SIGHUP and is_terminal_gone()):
            self._stop()
        elif number == signal.SIGHUP and not self._is_stopping:
            self._reload()
        elif number in {signal.SIGUSR1, signal.SIGUSR2}:
            _log.info("A signal without a meaning, ignored.", signal=name)

    # Reload

    def _reload(self) -> None:
        # The configuration may have changed again since the reload in progress read it.
        self._is_reload_wanted = not self._is_started or self._next is not None
        if self._is_reload_wanted:
            return
        self.notifier.reloading()
        _log.info("Reloading configuration and certificate.")
        try:
            generation = self.hooks.reload()
        except ServeError as error:
            self._report_failed_reload(str(error))
            return
        except Exception as error:  # a reload must not end what serves
            _log.error("The configuration could not be read.", exc_info=error)
            generation = None
        if generation is None:
            self.notifier.ready()
        else:
            self._begin(generation)

    def _begin(self, generation: Generation) -> None:
        self._next = generation
        self._start_worker(generation)

    def _take_next(self, taken: Generation) -> None:
        replaced, self.current, self._next = self.current, taken, None
        self._restarts.clear()
        for worker in self._workers_of(replaced):
            self._end_worker(worker, Command.RETIRE, replaced.stop_timeout)
        _close_except(replaced, taken)
        self.hooks.accepted(taken)
        _log.info("New workers serve; the replaced ones complete their requests.", workers=taken.number)
        self.notifier.ready()

    def _abandon_next(self, reason: str) -> None:
        failed, self._next = self._next, None
        if failed is None:
            return
        for worker in self._workers_of(failed):
            self._end_worker(worker, Command.STOP, failed.stop_timeout)
        _close_except(failed, self.current)
        self._report_failed_reload(reason)
        if self._is_reload_wanted:
            self._reload()

    def _report_failed_reload(self, reason: str) -> None:
        _log.error(
            "The reload failed; the previous configuration and certificate stay in use.",
            reason=reason,
            remedy="Correct it and send SIGHUP again.",
        )
        self.notifier.ready()

    # Ends

    def _reap(self) -> None:
        for pid, status in _ended_children():
            found = self._workers.pop(pid, None)
            if found is None:
                # An orphan of another process, adopted by this one.
                continue
            worker, generation = found
            # Its last message may have arrived since the wait.
            while worker.read_messages():
                pass
            with suppress(KeyError, ValueError):
                self._selector.unregister(worker.connection)
            worker.connection.close()
            self.hooks.ended(pid)
            self._handle_end(worker, generation, status)

    def _handle_end(self, worker: Worker, generation: Generation, status: int) -> None:
        how = describe_exit(status)
        if self._is_stopping:
            if not exited_cleanly(status):
                self._exit_code = 1
        elif worker.kill_at is not None:
            if not exited_cleanly(status):
                _log.error("A replaced worker did not end by itself.", worker=worker.pid, exit_status=how)
        elif generation is self._next:
            self._abandon_next(worker.failure or f"A new worker ended while it started ({how}).")
        elif not self._is_started:
            self._stop()
            self._exit_code, self._failure = 1, worker.failure
        else:
            others_serve = any(other.is_ready for other in self._workers_of(self.current))
            delay = self._backoff.delay_after(self.monotonic() - worker.started_at, others_serve=others_serve)
            self._restarts.append(self.monotonic() + delay)
            reason = {"reason": worker.failure} if worker.failure else {}
            _log.error(
                "A worker ended and is replaced.", worker=worker.pid, exit_status=how, delay=delay, **reason
            )

    def _stop(self) -> None:
        """Stop all workers; a second time, without waiting for requests in progress."""
        command = Command.HURRY if self._is_stopping else Command.STOP
        if not self._is_stopping:
            self._is_stopping = True
            self.notifier.stopping()
            self._restarts.clear()
            # The port is free for a successor as soon as the workers have closed it, too.
            for resource in {*self.current.resources, *(self._next.resources if self._next else ())}:
                resource.close()
        for worker, _ in list(self._workers.values()):
            self._end_worker(worker, command, self.current.stop_timeout)

    def _end_worker(self, worker: Worker, command: Command, within: timedelta) -> None:
        if worker.kill_at is None:
            worker.kill_at = self.monotonic() + within.total_seconds()
        if worker.is_ready:
            worker.send(command)
        else:
            # It does not read commands yet.
            worker.send_signal(signal.SIGTERM)

    def _next_deadline(self) -> float:
        deadlines = [worker.kill_at for worker, _ in self._workers.values() if worker.kill_at is not None]
        deadlines += [*self._restarts, self._polled_at + self.poll_interval]
        return min(deadlines)

    def _keep_deadlines(self) -> None:
        now = self.monotonic()
        for worker, generation in list(self._workers.values()):
            if worker.kill_at is not None and now >= worker.kill_at:
                _log.error("A worker did not end in time and is killed.", worker=worker.pid)
                worker.kill_at = now + 1
                worker.send_signal(signal.SIGKILL)
            elif not worker.is_ready and now > worker.started_at + _LONGEST_START:
                self._end_start(worker, generation)
        for due in [at for at in self._restarts if at <= now]:
            self._restarts.remove(due)
            self._start_worker(self.current)
        if now >= self._polled_at + self.poll_interval:
            self._polled_at = now
            self._poll()

    def _end_start(self, worker: Worker, generation: Generation) -> None:
        """End a worker whose start takes too long, except at the first start, which may take any time."""
        if self._is_stopping or worker.failure:
            return
        reason = f"It was not ready within {_LONGEST_START:.0f} seconds."
        if generation is self._next:
            self._abandon_next(f"A new worker does not start. {reason}")
        elif self._is_started:
            # Its end, which is logged with the reason, starts another one.
            worker.failure = reason
            worker.send_signal(signal.SIGKILL)

    def _poll(self) -> None:
        if self._is_stopping or not self._is_started or self._next is not None:
            return
        try:
            generation = self.hooks.poll()
        except Exception as error:  # as in `_reload`
            _log.error("The certificate could not be checked.", exc_info=error)
            return
        if generation is not None:
            self._begin(generation)


def _close_except(closed: Generation, kept: Generation) -> None:
    for resource in closed.resources:
        if resource not in kept.resources:
            resource.close()


def _ended_children() -> Iterator[tuple[int, int]]:
    """Yield pid and status of each child process that has ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended
