"""Timeouts for blocking work."""

from threading import Event

import pytest

from daypass.cli.runtime.deadline import with_timeout


def test_the_result_is_returned_if_the_work_ends_in_time() -> None:
    assert with_timeout(30, lambda: "done", "working") == "done"


def test_an_exception_is_raised_in_the_calling_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        with_timeout(30, lambda: 1 // 0, "working")


def test_work_that_does_not_end_raises_a_timeout_error() -> None:
    never = Event()

    with pytest.raises(TimeoutError):
        with_timeout(1.1, never.wait, "working")

    never.set()
