"""The files of finished jobs disappear from the cache, and no lock is held twice for that."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.cli.cache import files
from daypass.cli.cache.expiry import remove_expired
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.workload_token import WorkloadToken
from daypass.cli.runtime.digest import fingerprint

NOW = 1_000_000.0
HOUR = 3600
SETTINGS = LockSettings("test", 5, "waiting", "Nobody answers.")


def left_by_job(folder: Path, name: str, ended: float, suffix: str = ".workload") -> str:
    """Leave the token of a job that ended *ended* seconds ago, and its lock; return their key."""
    key = fingerprint(name.encode())
    with LockedFiles(str(folder), key, SETTINGS) as locked:
        token = WorkloadToken.issued("https://portal.example.com", "secret", "a.b.c", NOW - ended - 900, 900)
        locked.write(token)
    (folder / f"{key}.workload").rename(folder / f"{key}{suffix}")
    os.utime(folder / f"{key}.lock", (NOW - ended, NOW - ended))
    return key


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def remove(folder: Path) -> None:
    with files.open_private_folder(str(folder)) as directory:
        remove_expired(directory, NOW)


@contextmanager
def before_the_next_flock(act: Callable[[], None]) -> Iterator[None]:
    """Run *act* between the opening of a lock file and its lock, as another process could."""
    pending = [act]

    def hook(event: str, _arguments: object) -> None:
        # A hook cannot be removed, so it does nothing from then on.
        if event == "fcntl.flock" and pending:
            pending.pop()()

    sys.addaudithook(hook)
    yield
    assert not pending


def test_tokens_and_keys_of_yesterday_are_removed_with_their_locks(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    kept = {left_by_job(folder, "recent", 23 * HOUR), left_by_job(folder, "live", -600)}
    names = left_by_job(folder, "names of tenants", 30 * HOUR, suffix=".tenants")
    for suffix in (".workload", ".keys"):
        left_by_job(folder, suffix, 25 * HOUR, suffix)
    refused = fingerprint(b"a refused job left a lock alone")
    killed = fingerprint(b"a job that was killed while it wrote")
    for name in (
        f"{refused}.lock",
        f"{killed}.lock",
        killed + files.UNFINISHED_SUFFIX,
        "notes.lock",
        "notes.keys",
    ):
        (folder / name).touch()
        os.utime(folder / name, (NOW - 30 * HOUR, NOW - 30 * HOUR))

    remove(folder)

    expected = {f"{key}{suffix}" for key in kept for suffix in (".workload", ".lock")}
    expected |= {f"{names}.tenants", f"{names}.lock", "notes.lock", "notes.keys"}
    assert names_in(folder) == expected


def test_files_whose_lock_is_held_and_those_that_cannot_be_read_stay(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    held, damaged = left_by_job(folder, "held", 30 * HOUR), left_by_job(folder, "damaged", 30 * HOUR)
    (folder / f"{damaged}.workload").write_bytes(b"x")

    with LockedFiles(str(folder), held, SETTINGS):
        remove(folder)

    assert len(names_in(folder)) == 4


def test_a_process_that_waited_for_a_removed_lock_takes_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    key = left_by_job(folder, "job", 30 * HOUR)
    # It has opened the lock file, and not locked it yet.
    waiting = LockedFiles(str(folder), key, SETTINGS)
    remove(folder)
    assert names_in(folder) == set()

    with waiting:
        os.utime(folder / f"{key}.lock", (NOW - 30 * HOUR, NOW - 30 * HOUR))
        remove(folder)
        assert names_in(folder) == {f"{key}.lock"}, "The lock that is held is the one in the folder."


def test_a_lock_that_was_removed_and_made_anew_stays_with_its_holder(tmp_path: Path) -> None:
    folder, held = tmp_path / "cache", []
    key = left_by_job(folder, "job", 30 * HOUR)

    def take_the_place() -> None:
        remove(folder)
        held.append(LockedFiles(str(folder), key, SETTINGS).__enter__())

    with before_the_next_flock(take_the_place):
        remove(folder)

    assert names_in(folder) == {f"{key}.lock"}, "The first remover held the lock of a file that was gone."
    held[0].__exit__()
