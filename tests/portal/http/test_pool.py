"""A bounded number of threads, a bounded queue, and an answer in time, whatever the domain is doing."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest

from daypass.portal.errors import Overloaded
from daypass.portal.http.pool import Pool
from tests.portal.http.client import Client
from tests.portal.http.world import DANA, World


@pytest.fixture
def gate() -> Iterator[Event]:
    """Keeps threads busy until it is opened; opened in the end."""
    gate = Event()
    yield gate
    gate.set()


def test_what_is_run_answers_and_raises_as_it_would_elsewhere() -> None:
    pool = Pool(1)

    def fail() -> None:
        raise KeyError("a bug")

    assert asyncio.run(pool.run(lambda: 7)) == 7
    with pytest.raises(KeyError):
        asyncio.run(pool.run(fail))
    pool.close()


def test_what_comes_when_every_place_is_taken_is_refused_at_once(gate: Event) -> None:
    pool = Pool(1)

    async def crowd() -> list[object]:
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(9)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="too much to do"):
            await pool.run(gate.wait)
        gate.set()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(crowd()) == [True] * 9
    assert asyncio.run(pool.run(lambda: 1)) == 1
    pool.close()


def test_what_takes_too_long_is_given_up_and_its_thread_is_no_free_place(gate: Event) -> None:
    pool = Pool(1, patience=timedelta(milliseconds=100))

    async def crowd() -> None:
        with pytest.raises(Overloaded, match="has handed out nothing"):
            await pool.run(gate.wait)
        # Its caller has gone, and it still runs; whoever waits behind it gives up without having run.
        waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="too much to do"):
            await pool.run(gate.wait)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {Overloaded}

    asyncio.run(crowd())
    gate.set()
    pool.close()


def test_a_portal_with_too_much_to_do_says_so_at_every_door_and_stays_alive(
    quick_world: World, quick_client: Client, gate: Event
) -> None:
    def wait() -> None:
        gate.wait()

    quick_world.broker.meanwhile = wait
    token = quick_world.tokens[DANA]
    legacy = "/subscriptions/dev01/GetAwsConsoleTokenUrl"
    places = 4 * (1 + 8)

    async def crowd() -> None:
        tasks = [asyncio.create_task(quick_client.exchange("GET", legacy, token)) for _ in range(places + 1)]
        # There is one place too few, so whoever is answered while nobody can be served was refused.
        done, busy = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        theirs = done.pop().result()
        ours = await quick_client.exchange("GET", "/api/v1/me", token)
        alive = await quick_client.exchange("GET", "/healthz")
        gate.set()
        answers = await asyncio.gather(*busy)

        assert (ours.status, ours.json["code"], ours.header("retry-after")) == (503, "overloaded", "2")
        assert (theirs.status, "too much to do" in theirs.json["Message"]) == (503, True)
        assert alive.status == 200
        assert [answer.status for answer in answers] == [200] * places

    asyncio.run(crowd())
    assert len(quick_world.broker.given) == places
