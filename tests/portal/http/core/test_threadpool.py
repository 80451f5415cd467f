"""Thread pools: bounded threads, bounded queues, and an answer within the time limit."""

import asyncio
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from types import FrameType

import pytest

from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.errors import AccessDenied, Overloaded
from daypass.portal.http.core.threadpool import PoolUse, ThreadPool
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import DANA, DEV, World
from tests.waiting import wait_until


@pytest.fixture
def gate() -> Iterator[Event]:
    """An event that blocks threads until it is set; set at the end of the test."""
    gate = Event()
    yield gate
    gate.set()


def test_a_call_returns_and_raises_as_without_the_pool() -> None:
    pool = ThreadPool(1)

    def fail() -> None:
        raise KeyError("a bug")

    assert asyncio.run(pool.run(lambda: 7)) == 7
    with pytest.raises(KeyError):
        asyncio.run(pool.run(fail))
    pool.close()


def test_a_call_is_refused_at_once_when_the_queue_is_full(gate: Event) -> None:
    pool = ThreadPool(1)

    async def crowd() -> list[object]:
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(9)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="is overloaded"):
            await pool.run(gate.wait)
        gate.set()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(crowd()) == [True] * 9
    assert asyncio.run(pool.run(lambda: 1)) == 1
    pool.close()


def test_a_call_that_times_out_keeps_its_slot_until_its_thread_ends(gate: Event) -> None:
    pool = ThreadPool(1, patience=timedelta(milliseconds=100))

    async def crowd() -> None:
        with pytest.raises(Overloaded, match="has issued nothing"):
            await pool.run(gate.wait)
        # The first call still runs after its timeout; the queued ones time out without having run.
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="is overloaded"):
            await pool.run(gate.wait)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {Overloaded}

    asyncio.run(crowd())
    gate.set()
    pool.close()


class _ClockedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time a test sets."""

    now = 0.0

    def time(self) -> float:
        """Return the time that was set."""
        return self.now


async def turns() -> None:
    """Let every callback run that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_calls_time_out_each_at_its_own_time_with_one_timer(gate: Event) -> None:
    pool = ThreadPool(1, patience=timedelta(seconds=10))

    async def act() -> list[list[bool]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, _ClockedLoop)
        calls = []
        for loop.now in (0.0, 1.0, 4.0):
            calls.append(asyncio.create_task(pool.run(gate.wait)))
            await turns()
            # The first call has the thread, so the others stay in the queue.
            wait_until(lambda: pool.use.busy == 1)
        calls[1].cancel()
        seen = []
        for loop.now in (9.9, 10.0, 13.9, 14.0):
            await turns()
            seen.append([call.done() for call in calls])
            assert len(loop._scheduled) <= 1  # type: ignore[attr-defined]  # the loop's own list
        for call in (calls[0], calls[2]):
            with pytest.raises(Overloaded, match="has issued nothing"):
                await call
        return seen

    with asyncio.Runner(loop_factory=_ClockedLoop) as runner:
        seen = runner.run(act())
    use = pool.use
    gate.set()
    pool.close()

    # The first call keeps its thread until it ends; the others gave their places in the queue back.
    assert use == PoolUse(threads=1, busy=1, queued=0)
    assert seen == [[False, True, False], [True, True, False], [True, True, False], [True, True, True]]


def test_the_result_of_a_call_is_not_kept_while_an_earlier_call_waits(gate: Event) -> None:
    class Result:
        """An object that can be referred to weakly."""

    pool = ThreadPool(2)

    async def act() -> bool:
        earlier = asyncio.create_task(pool.run(gate.wait))
        await asyncio.sleep(0)
        kept = weakref.ref(await pool.run(Result))
        # The loop has references to what it runs, and the thread has its own until just after its answer.
        await turns()
        wait_until(lambda: kept() is None)
        gate.set()
        return await earlier

    assert asyncio.run(act())
    pool.close()


def test_time_limits_of_calls_that_have_ended_are_not_kept() -> None:
    pool = ThreadPool(1)

    async def act() -> None:
        for _ in range(100):
            await pool.run(int)

    asyncio.run(act())
    pool.close()

    assert len(pool._expiries._waits) == 1


def test_the_time_limit_holds_in_a_loop_after_one_that_ended_with_a_call_in_progress(gate: Event) -> None:
    pool = ThreadPool(1, patience=timedelta(milliseconds=100))

    async def leave() -> None:
        left.append(asyncio.create_task(pool.run(gate.wait)))
        await asyncio.sleep(0)

    left: list[asyncio.Task[bool]] = []
    asyncio.run(leave())
    with pytest.raises(Overloaded, match="has issued nothing"):
        asyncio.run(pool.run(gate.wait))
    gate.set()
    pool.close()


def test_a_call_that_is_cancelled_in_the_queue_never_runs_and_gives_its_place_back(gate: Event) -> None:
    pool, ran = ThreadPool(1), Event()

    async def crowd() -> None:
        running = asyncio.create_task(pool.run(gate.wait))
        queued = [asyncio.create_task(pool.run(ran.set)) for _ in range(8)]
        await asyncio.sleep(0)
        assert (pool.use.busy + pool.use.queued) == 9
        for task in queued:
            task.cancel()
        await asyncio.gather(*queued, return_exceptions=True)
        assert (pool.use.busy + pool.use.queued) == 1
        gate.set()
        assert await running
        assert await pool.run(lambda: 1) == 1

    asyncio.run(crowd())
    assert not ran.is_set()
    assert (pool.use.busy, pool.use.queued) == (0, 0)
    pool.close()


def test_closing_waits_for_running_calls_and_cancels_queued_ones(gate: Event) -> None:
    pool, began = ThreadPool(1), Event()

    def running() -> str:
        began.set()
        gate.wait()
        return "answered"

    async def crowd() -> list[object]:
        tasks = [asyncio.create_task(pool.run(call)) for call in (running, gate.wait)]
        await asyncio.to_thread(began.wait)
        closing = asyncio.create_task(asyncio.to_thread(pool.close))
        await asyncio.wait([tasks[1]])
        assert not closing.done()
        gate.set()
        await closing
        return await asyncio.gather(*tasks, return_exceptions=True)

    answered, cancelled = asyncio.run(crowd())
    assert answered == "answered"
    assert isinstance(cancelled, asyncio.CancelledError)
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(pool.run(lambda: 1))


def test_a_call_that_arrives_while_the_pool_closes_is_answered_at_once() -> None:
    pool = ThreadPool(1, patience=timedelta(seconds=3))
    closing = Thread(target=pool.close)

    def close_meanwhile(_frame: FrameType, event: str, function: object) -> None:
        # The moment at which the loop's thread hands the call to the queue.
        if event == "c_call" and getattr(function, "__qualname__", "") == "SimpleQueue.put":
            sys.setprofile(None)
            closing.start()
            closing.join(0.2)

    async def arrive() -> None:
        assert await pool.run(lambda: 1) == 1
        sys.setprofile(close_meanwhile)
        try:
            with suppress(asyncio.CancelledError):
                await pool.run(lambda: 2)
        finally:
            sys.setprofile(None)

    asyncio.run(arrive())
    closing.join()

    assert pool.use == PoolUse(threads=1, busy=0, queued=0)


def test_a_thread_that_the_system_refuses_keeps_no_place() -> None:
    pool = ThreadPool(1)
    usual = threading.stack_size(1 << 47)
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            asyncio.run(pool.run(lambda: 1))
    finally:
        threading.stack_size(usual)

    assert pool.use == PoolUse(threads=1, busy=0, queued=0)
    assert asyncio.run(pool.run(lambda: 2)) == 2
    pool.close()


def test_threads_start_with_the_calls_that_need_them(gate: Event) -> None:
    pool = ThreadPool(3, name="counted")

    def threads() -> int:
        return sum(thread.name.startswith("counted_") for thread in enumerate_threads())

    async def crowd() -> None:
        assert threads() == 0
        await pool.run(lambda: 1)
        await pool.run(lambda: 1)
        assert threads() == 1
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(6)]
        await asyncio.sleep(0)
        assert threads() == 3
        gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(crowd())
    pool.close()
    assert threads() == 0


def test_an_error_that_a_future_cannot_hold_reaches_the_request_all_the_same() -> None:
    pool = ThreadPool(1)

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(pool.run(lambda: next(iter(()))))
    with pytest.raises(SystemExit):
        asyncio.run(pool.run(lambda: sys.exit(3)))
    assert asyncio.run(pool.run(lambda: 1)) == 1
    pool.close()


def test_an_answer_that_comes_after_the_loop_has_ended_is_dropped(gate: Event) -> None:
    pool = ThreadPool(1, patience=timedelta(milliseconds=10))

    with pytest.raises(Overloaded):
        asyncio.run(pool.run(gate.wait))
    gate.set()
    assert asyncio.run(pool.run(lambda: 1)) == 1
    pool.close()


def test_an_overloaded_portal_answers_503_on_every_channel_and_stays_alive(
    quick_world: World, quick_client: Client, gate: Event
) -> None:
    quick_world.broker.silent[DEV.target.role_arn] = gate
    token = quick_world.tokens[DANA]
    ours, legacy = ("POST", "/api/v1/sessions"), ("GET", "/subscriptions/dev01/GetAwsConsoleTokenUrl")
    # The limit per role is four threads, and its queue is eight times as long.
    served = 4 * (1 + 8)

    async def ask(target: tuple[str, str]) -> Answer:
        return await quick_client.exchange(*target, token, body=b'{"tenant": "dev01"}')

    async def crowd() -> list[Answer]:
        tasks = [asyncio.create_task(ask(target)) for _ in range(served) for target in (ours, legacy)]
        # Each channel gets more requests than can be served, so both have refused some by now.
        await answered(tasks, len(tasks) - served)
        alive = await quick_client.exchange("GET", "/healthz")
        gate.set()
        assert alive.status == 200
        return list(await asyncio.gather(*tasks))

    answers = asyncio.run(crowd())
    refused = [answer for answer in answers if answer.status == 503]

    assert {answer.status for answer in answers} == {200, 201, 503}
    assert {answer.header("retry-after") for answer in refused} == {"2"}
    for answer in refused:
        sentence = answer.json["Message"] if "Message" in answer.json else answer.json["detail"]
        assert "AWS answers slowly for the role duploservices-dev01" in sentence
    assert {answer.json["code"] for answer in refused if "code" in answer.json} == {"overloaded"}
    assert len(quick_world.broker.issued_credentials) == len(answers) - len(refused)


async def answered(tasks: Sequence["asyncio.Task[Answer]"], number: int) -> None:
    """Return when *number* of the tasks are done."""
    waiting = set(tasks)
    while len(tasks) - len(waiting) < number:
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def waiting(slots: RoleConcurrency, places: int) -> int:
    """Return how many wait for a slot of the busy role, whose queue has so many *places*.

    To be called where calls are queued, in the event loop: meanwhile the queue is full.
    """
    free: list[Callable[[], None]] = []
    while slots.queue("role", wake := Event().set):
        free.append(wake)
    for wake in free:
        slots.leave("role", wake)
    return places - len(free)


def test_a_call_whose_role_is_busy_is_queued_without_a_thread_and_then_restarted() -> None:
    slots, pool = (
        RoleConcurrency(slots_per_role=1, max_waiting=1),
        ThreadPool(1, slot_wait=timedelta(minutes=1)),
    )

    def call() -> str:
        with slots.acquire("role"):
            return "answered"

    async def crowd() -> None:
        held = slots.acquire("role")
        queued = asyncio.create_task(pool.run(call))
        # The only thread is free for others while this call is queued.
        while waiting(slots, 1) < 1:
            await pool.run(lambda: None)
        with pytest.raises(RoleBusy):
            await pool.run(call)
        held.release()
        assert await queued == "answered"

    asyncio.run(crowd())
    assert slots.used_slots("role") == 0
    pool.close()


def test_a_call_whose_role_stays_busy_is_refused_before_the_time_limit() -> None:
    slots, pool = (
        RoleConcurrency(slots_per_role=1, max_waiting=4),
        ThreadPool(1, slot_wait=timedelta(milliseconds=1)),
    )

    def call() -> None:
        with slots.acquire("role"):
            pass

    with slots.acquire("role"):
        with pytest.raises(RoleBusy, match="slowly"):
            asyncio.run(pool.run(call))
        assert waiting(slots, 4) == 0
    asyncio.run(pool.run(call))
    pool.close()


def test_a_queued_call_that_ends_without_its_slot_passes_it_on() -> None:
    slots, pool = (
        RoleConcurrency(slots_per_role=1, max_waiting=4),
        ThreadPool(2, slot_wait=timedelta(minutes=1)),
    )
    tries: list[int] = []

    def denied() -> None:
        tries.append(1)
        if len(tries) > 1:
            raise AccessDenied("Not any more.")
        slots.acquire("role")

    def call() -> str:
        with slots.acquire("role"):
            return "answered"

    async def crowd() -> None:
        held = slots.acquire("role")
        first = asyncio.create_task(pool.run(denied))
        while waiting(slots, 4) < 1:
            await asyncio.sleep(0)
        second = asyncio.create_task(pool.run(call))
        while waiting(slots, 4) < 2:
            await asyncio.sleep(0)
        held.release()
        with pytest.raises(AccessDenied):
            await first
        assert await second == "answered"

    asyncio.run(crowd())
    pool.close()
