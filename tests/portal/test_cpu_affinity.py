"""CPU affinity; with a single core, or without affinity, the tests have no effect."""

import ctypes
import errno
import os
import platform
import struct
import threading
from collections.abc import Callable

import pytest

from daypass.portal.cpu_affinity import pin_to_one_core, unpinned

ALL = os.sched_getaffinity(0)


def in_a_thread(call: Callable[[], None]) -> None:
    """Run *call* in a thread, so that it does not change the affinity of other tests."""
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
        pin_to_one_core()
        seen.append(cores())
        in_a_thread(lambda: seen.append(cores()))

    in_a_thread(check)

    assert seen[0] == seen[1] == {sorted(ALL)[os.getpid() % len(ALL)]}
    assert cores() == ALL


def test_unpinned_work_may_use_all_cores_and_the_affinity_is_restored_after_errors() -> None:
    def check() -> None:
        pin_to_one_core()
        one = cores()
        with unpinned():
            assert cores() == ALL
        assert cores() == one
        with pytest.raises(ZeroDivisionError), unpinned():
            1 / 0  # noqa: B018  a fault
        assert cores() == one

    in_a_thread(check)


def forbid_the_choice() -> None:
    """Forbid this thread to set its affinity, by a seccomp filter as hardened services have."""
    number = {"x86_64": 203, "aarch64": 122}[platform.machine()]
    refuse = 0x00050000 | errno.EPERM
    # Load the number of the system call; if it matches, continue with the next line, else the one after.
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, refuse), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(38, 1, 0, 0, 0) == 0
    assert prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0


def test_forbidden_affinity_calls_are_ignored() -> None:
    done: list[str] = []

    def check() -> None:
        forbid_the_choice()
        with pytest.raises(PermissionError):
            os.sched_setaffinity(0, ALL)
        pin_to_one_core()
        with unpinned():
            done.append("work")
        assert cores() == ALL

    in_a_thread(check)

    assert done == ["work"]
