"""A bounded number of threads for the domain's synchronous code, with a bounded queue before them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from daypass.portal.errors import Overloaded

T = TypeVar("T")

PATIENCE = timedelta(seconds=9)
"""How long an answer may take, waiting included; everybody gets one within ten seconds."""

_WAITING_PER_THREAD = 8


class Pool:
    """Runs calls in threads; refuses with `Overloaded` rather than letting them pile up."""

    def __init__(self, threads: int, patience: timedelta = PATIENCE) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="portal")
        self._places = threading.BoundedSemaphore(threads * (1 + _WAITING_PER_THREAD))
        self._patience = patience.total_seconds()

    async def run(self, call: Callable[[], T]) -> T:
        """What *call* answers or raises; `Overloaded` when there is no place for it, or it takes too long."""
        if not self._places.acquire(blocking=False):
            raise Overloaded("The portal has too much to do. Try again in a moment.")
        running: Future[T] = self._executor.submit(call)
        # When the call itself is over, and not when its caller has gone: a busy thread is no free place.
        running.add_done_callback(self._give_back)
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.wrap_future(running)
        except TimeoutError as error:
            raise Overloaded(
                "The portal could not answer in time, and has handed out nothing. Try again in a moment."
            ) from error

    def close(self) -> None:
        """Finish what is running, drop what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _give_back(self, _done: Future[T]) -> None:
        self._places.release()
