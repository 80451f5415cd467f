"""Keeping answers under a lock that no process holds longer than it needs it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from daypass.cli.cache.entries import ENTRY, Entry
from daypass.cli.cache.locked import CacheSlot, FileKind, clear, discard
from daypass.cli.runtime.errors import Unavailable


def _place(folder: Path, patience: float) -> CacheSlot:
    return CacheSlot(str(folder), "key", FileKind(".keys", "keys", patience, "waiting", "Nobody answers."))


def test_who_gave_up_waiting_does_not_get_the_lock_in_the_end(tmp_path: Path) -> None:
    with _place(tmp_path, 5), pytest.raises(Unavailable, match=r"Nobody answers\."):
        _place(tmp_path, 0.1).__enter__()

    # In the same process: one that serves keys for days asks again and again.
    with _place(tmp_path, 5):
        pass


def _cached(folder: Path, number: int) -> dict[str, str]:
    """Keep so many answers; returns the environment in which they are found."""
    folder.chmod(0o700)
    for name in range(number):
        about = json.dumps({"what": f"tenant {name}"}).encode()
        with CacheSlot(str(folder), str(name)):
            pass
        (folder / f"{name}{ENTRY}").write_bytes(Entry(b"{}", about, 0, 0).to_bytes())
        (folder / f"{name}{ENTRY}").chmod(0o600)
    return {"DAYPASS_CACHE_DIR": str(folder)}


def test_discarding_goes_on_after_a_file_that_another_process_removed(tmp_path: Path) -> None:
    environment = _cached(tmp_path, 5)

    def is_unwanted(about: dict[str, object]) -> bool:
        if about["what"] == "tenant 2":
            (tmp_path / f"2{ENTRY}").unlink()
        return about["what"] != "tenant 4"

    removed = discard(environment, is_unwanted)

    assert sorted(removed) == ["tenant 0", "tenant 1", "tenant 3"]
    assert [path.name for path in tmp_path.glob(f"*{ENTRY}")] == [f"4{ENTRY}"]


def test_two_that_clear_at_the_same_time_remove_each_answer_once(tmp_path: Path) -> None:
    environment, both = _cached(tmp_path, 200), Barrier(2)

    def clear_too(_number: int) -> int:
        both.wait(60)
        return clear(environment)

    with ThreadPoolExecutor(2) as threads:
        removed = list(threads.map(clear_too, range(2)))

    assert sum(removed) == 200
    assert list(tmp_path.glob(f"*{ENTRY}")) == []
