"""On which cores threads run. Where there is one core only, or no choice, there is nothing to see."""

import os
import threading
from collections.abc import Callable

import pytest

from daypass.portal.cores import on_any_core, stay_on_one_core

ALL = os.sched_getaffinity(0)


def in_a_thread(call: Callable[[], None]) -> None:
    """Run *call* where it changes nothing for other tests."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def cores() -> set[int]:
    return os.sched_getaffinity(0)


def test_a_thread_and_those_it_starts_stay_on_one_core() -> None:
    seen: list[set[int]] = []

    def check() -> None:
        stay_on_one_core()
        seen.append(cores())
        in_a_thread(lambda: seen.append(cores()))

    in_a_thread(check)

    assert seen[0] == seen[1] == {sorted(ALL)[os.getpid() % len(ALL)]}
    assert cores() == ALL


def test_long_work_may_go_anywhere_and_the_thread_comes_back_also_from_a_fault() -> None:
    def check() -> None:
        stay_on_one_core()
        one = cores()
        with on_any_core():
            assert cores() == ALL
        assert cores() == one
        with pytest.raises(ZeroDivisionError), on_any_core():
            1 / 0  # noqa: B018  a fault
        assert cores() == one

    in_a_thread(check)
