"""Waiting has an end."""

from threading import Event

import pytest

from daypass.cli.runtime.deadline import with_timeout


def test_work_that_ends_in_time_gives_its_result() -> None:
    assert with_timeout(30, lambda: "done", "working") == "done"


def test_work_that_fails_fails_where_it_is_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        with_timeout(30, lambda: 1 // 0, "working")


def test_work_that_does_not_end_is_left_behind() -> None:
    never = Event()

    with pytest.raises(TimeoutError):
        with_timeout(1.1, never.wait, "working")

    never.set()
