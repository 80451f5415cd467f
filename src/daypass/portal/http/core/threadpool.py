"""Bounded thread pools with bounded queues, for the domain's synchronous code."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.errors import Overloaded
from daypass.portal.telemetry.spans import in_this_context

T = TypeVar("T")

PATIENCE = timedelta(seconds=9)
"""The time limit of a request, queueing included, so that every client gets an answer within ten seconds."""

SLOT_WAIT = timedelta(seconds=2)
"""The time that a request is queued for a slot of its role, which leaves time for the AWS call after it."""

_WAITING_PER_THREAD = 8


@dataclass(frozen=True, slots=True)
class PoolUse:
    """The numbers of a pool: its threads, those with a call, and the calls that wait for one."""

    threads: int
    busy: int
    queued: int


class _Job(Generic[T]):
    """A call that is queued or runs, and the future of the request that waits for it."""

    __slots__ = ("call", "future", "is_abandoned", "is_running", "loop")

    def __init__(self, call: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.loop = loop
        self.future: asyncio.Future[T] = loop.create_future()
        # The pool's lock protects these.
        self.is_running = False
        self.is_abandoned = False

    def tell(self, settle: Callable[..., object], *arguments: object) -> None:
        """Have the event loop call *settle*; if the loop is closed, no request waits any more."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(settle, *arguments)

    def succeed(self, result: T) -> None:
        """Give the result to the request, if it still waits; called by the event loop."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Raise the error in the request, if it still waits; called by the event loop."""
        if not self.future.done():
            self.future.set_exception(error)


class _TimedOut(Exception):
    """The time limit of a call is over."""


class _Expiry:
    """The time limit of one wait for a future; without a future, the wait has ended."""

    __slots__ = ("at", "future")

    def __init__(self, at: float, future: "asyncio.Future[Any]") -> None:
        self.at = at
        self.future: asyncio.Future[Any] | None = future


class _Expiries:
    """The time limits of the waits of one event loop, all equally long, with one timer for the first of them.

    A timer for each, as `asyncio.timeout` has, takes ten times as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        # In the order of their time, because all are equally long.
        self._waits: deque[_Expiry] = deque()
        self._has_timer = False

    def begin(self, future: "asyncio.Future[Any]") -> _Expiry:
        """Limit a wait that begins now: the future raises `_TimedOut` when its time is over."""
        loop = future.get_loop()
        if loop is not self._loop:
            # The loop of the earlier waits is closed, and its timer with it.
            self._loop, self._waits, self._has_timer = loop, deque(), False
        waits = self._waits
        while waits and waits[0].future is None:
            waits.popleft()
        expiry = _Expiry(loop.time() + self._seconds, future)
        waits.append(expiry)
        if not self._has_timer:
            self._has_timer = True
            loop.call_at(expiry.at, self._expire, loop)
        return expiry

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        now, waits = loop.time(), self._waits
        while waits and (waits[0].future is None or waits[0].at <= now):
            future = waits.popleft().future
            if future is not None and not future.done():
                future.set_exception(_TimedOut())
        self._has_timer = bool(waits)
        if waits:
            loop.call_at(waits[0].at, self._expire, loop)


class ThreadPool:
    """Runs calls in threads, and raises `Overloaded` if too many are queued.

    `concurrent.futures` does the same with two futures for each call, which take twice the time.
    """

    def __init__(
        self,
        threads: int,
        patience: timedelta = PATIENCE,
        *,
        name: str = "portal",
        slot_wait: timedelta = SLOT_WAIT,
    ) -> None:
        self._name = name
        self._most_threads = threads
        self._most = threads * (1 + _WAITING_PER_THREAD)
        self._patience = patience.total_seconds()
        self._expiries = _Expiries(self._patience)
        self._slot_wait = slot_wait.total_seconds()
        # None ends a thread.
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        # The lock protects the attributes below.
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._accepted = 0
        self._busy = 0
        self._is_closed = False

    @property
    def use(self) -> PoolUse:
        """The use of the pool at this moment."""
        with self._lock:
            return PoolUse(self._most_threads, self._busy, self._accepted - self._busy)

    async def run(self, call: Callable[[], T]) -> T:
        """Return the result of *call*, or raise its error; `Overloaded` if the queue is full or time is up.

        A call that raises `RoleBusy` is queued without a thread and started again when its role has a free
        slot, so it must have had no effect by then.
        """
        began = asyncio.get_running_loop().time()
        try:
            # The time limit ends the waiting only: a thread cannot be stopped, and keeps its slot until its
            # call ends.
            try:
                return await self._start(call)
            except RoleBusy as busy:
                async with asyncio.timeout_at(began + self._patience):
                    return await self._start_queued(call, busy)
        except (TimeoutError, _TimedOut) as error:
            raise Overloaded(
                "The portal could not answer in time, and has issued nothing. Try again in a moment."
            ) from error

    def close(self) -> None:
        """Wait for running calls, and cancel queued ones."""
        with self._lock:
            self._is_closed = True
            threads = [*self._threads]
        with suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None:
                    self._abandon(job)
                    job.tell(job.future.cancel)
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()

    async def _start(self, call: Callable[[], T]) -> T:
        job = _Job(in_this_context(call), asyncio.get_running_loop())
        with self._lock:
            if self._is_closed:
                raise RuntimeError("The thread pool is closed.")
            if self._accepted >= self._most:
                raise Overloaded("The portal is overloaded. Try again in a moment.")
            # Counted after it, because the operating system may refuse a thread.
            if self._accepted >= len(self._threads) < self._most_threads:
                self._add_thread()
            self._accepted += 1
            # Under the lock, so that `close` cannot end the threads before a call that it did not cancel.
            self._queue.put(job)
        expiry = self._expiries.begin(job.future)
        try:
            return await job.future
        except (asyncio.CancelledError, _TimedOut):
            self._abandon(job)
            raise
        finally:
            # The list of expiries must not keep the result.
            expiry.future = None

    def _add_thread(self) -> None:
        # A daemon, so that a process that ends without `close` does not wait for it.
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _abandon(self, job: _Job[Any]) -> None:
        """Release the place of a call that has not begun; one that runs keeps its place until it ends."""
        with self._lock:
            if not job.is_running and not job.is_abandoned:
                job.is_abandoned = True
                self._accepted -= 1

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if self._begin(job):
                self._run(job)
            # Otherwise an idle thread would keep the last request alive.
            del job

    def _begin(self, job: _Job[Any]) -> bool:
        """Return whether the call is to run, and count it."""
        with self._lock:
            if not job.is_abandoned:
                job.is_running = True
                self._busy += 1
            return job.is_running

    def _run(self, job: _Job[Any]) -> None:
        settle: Callable[..., None] = job.succeed
        result: object = None
        try:
            result = job.call()
        except StopIteration as error:
            # A future does not take it, because it would end the generator of the coroutine that waits.
            settle, result = job.fail, RuntimeError(f"The call raised {error!r}.")
        except BaseException as error:
            settle, result = job.fail, error
        with self._lock:
            self._busy -= 1
            self._accepted -= 1
        job.tell(settle, result)
        # The traceback of an error refers to this frame; a reference back would be a cycle.
        del job, settle, result

    async def _start_queued(self, call: Callable[[], T], busy: RoleBusy) -> T:
        give_up_at = asyncio.get_running_loop().time() + self._slot_wait
        while True:
            await _wait_for_slot(busy, give_up_at)
            try:
                return await self._start(call)
            except RoleBusy as again:
                # Another request took the slot first.
                busy = again
            finally:
                busy.concurrency.wake_next(busy.role_arn)


async def _wait_for_slot(busy: RoleBusy, give_up_at: float) -> None:
    """Return once the role has a free slot; raises *busy* if its queue is full or none was free in time."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        # If the loop is closed, no request waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(partial(_settle, woken))

    if not busy.concurrency.queue(busy.role_arn, wake):
        raise busy
    try:
        async with asyncio.timeout_at(give_up_at):
            await woken
    except TimeoutError:
        raise busy from None
    finally:
        busy.concurrency.leave(busy.role_arn, wake)
        if not woken.done() or woken.cancelled():
            # The wake-up came too late for this request, so it is passed on to the next.
            busy.concurrency.wake_next(busy.role_arn)


def _settle(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """The thread pools of one process: a separate one for each kind of waiting, so none delays another."""

    aws: ThreadPool
    """Requests that call AWS."""
    local: ThreadPool
    """Requests that need only the database."""
    workloads: ThreadPool
    """Exchanges of workloads' tokens, which may wait for the keys of an issuer."""
    providers: ThreadPool
    """Sign-ins and logouts that may wait for an identity provider."""

    @classmethod
    def sized(cls, threads: int, patience: timedelta = PATIENCE) -> "ThreadPools":
        """Return pools for `DAYPASS_THREADS` threads and requests with the time limit *patience*."""
        return cls(
            ThreadPool(aws_threads(threads), patience, name="portal-aws"),
            ThreadPool(threads, patience, name="portal-local"),
            # Threads start with the first request that needs one, so an unused pool has none.
            ThreadPool(threads, patience, name="portal-workloads"),
            ThreadPool(threads, patience, name="portal-providers"),
        )

    @property
    def by_name(self) -> Mapping[str, ThreadPool]:
        """The pools by the names that metrics have for them."""
        return {
            "aws": self.aws,
            "local": self.local,
            "workloads": self.workloads,
            "providers": self.providers,
        }

    def close(self) -> None:
        """Wait for running calls, and cancel queued ones."""
        for pool in self.by_name.values():
            pool.close()


def aws_threads(threads: int) -> int:
    """Return the number of threads for requests that call AWS: two unresponsive roles leave a third free."""
    return 3 * threads


def role_slots(threads: int) -> RoleConcurrency:
    """Return the limit per role: a third of the threads that call AWS, and a queue eight times as long."""
    return RoleConcurrency(threads, threads * _WAITING_PER_THREAD)
