"""Cache files under a lock, and their removal by concurrent processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from daypass.cli.cache.credentials import Credentials, Metadata
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.removal import clear, discard
from daypass.cli.runtime.errors import Unavailable

LOCK = LockSettings("keys", 5.0, "waiting", "Nobody answers.")


def _locked(folder: Path, timeout: float) -> LockedFiles:
    return LockedFiles(str(folder), "key", LockSettings("keys", timeout, "waiting", "Nobody answers."))


def test_a_timed_out_wait_does_not_take_the_lock_later(tmp_path: Path) -> None:
    with _locked(tmp_path, 5), pytest.raises(Unavailable, match=r"Nobody answers\."):
        _locked(tmp_path, 0.1).__enter__()

    # In the same process, because a credential endpoint requests credentials again and again for days.
    with _locked(tmp_path, 5):
        pass


def _cached(folder: Path, number: int) -> dict[str, str]:
    """Cache *number* answers and return the environment for that cache."""
    folder.chmod(0o700)
    for name in range(number):
        metadata = Metadata(what=f"tenant {name}").to_json()
        with LockedFiles(str(folder), str(name), LOCK) as locked:
            locked.write(Credentials(b"{}", metadata, 0, 0))
    return {"DAYPASS_CACHE_DIR": str(folder)}


def test_discarding_continues_after_a_file_that_another_process_removed(tmp_path: Path) -> None:
    environment = _cached(tmp_path, 5)

    def is_unwanted(metadata: Metadata) -> bool:
        if metadata.what == "tenant 2":
            (tmp_path / f"2{Credentials.SUFFIX}").unlink()
        return metadata.what != "tenant 4"

    removed = discard(environment, is_unwanted)

    assert sorted(removed) == ["tenant 0", "tenant 1", "tenant 3"]
    assert [path.name for path in tmp_path.glob(f"*{Credentials.SUFFIX}")] == [f"4{Credentials.SUFFIX}"]


def test_concurrent_clearing_counts_each_removed_answer_once(tmp_path: Path) -> None:
    environment, barrier = _cached(tmp_path, 200), Barrier(2)

    def clear_together(_number: int) -> int:
        barrier.wait(60)
        return clear(environment)

    with ThreadPoolExecutor(2) as threads:
        removed = list(threads.map(clear_together, range(2)))

    assert sum(removed) == 200
    assert list(tmp_path.glob(f"*{Credentials.SUFFIX}")) == []
