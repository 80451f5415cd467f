"""The private cache: when an answer is given out again, and what is never believed."""

import json
import os
import re
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.cli.cache.entries import Entry, UnsafeCacheFile
from tests.cli.conftest import Command
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")
MINUTE = 60


def age(path: Path, seconds: int) -> None:
    """Make the entry as old as if that much time had passed since it was written."""
    young = Entry.from_bytes(path.read_bytes())
    old = Entry(young.answer, young.about, young.asked_at - seconds, young.good_until - seconds)
    path.write_bytes(old.to_bytes())


def test_the_second_time_the_portal_is_not_asked(daypass: Command, portal: StubPortal) -> None:
    first, second = daypass(*DEV), daypass(*DEV)

    assert len(portal.asked) == 1
    assert first == second


@pytest.mark.parametrize(
    "words",
    [
        ("jit", "aws", "--tenant", "dev01"),
        ("jit", "aws", "-T", "dev01", "--interactive"),
        ("aws", "--tenant=dev01"),
        ("aws", "--ca-file", "/nowhere", "--tenant", "dev01"),
        ("jit", "aws", "--tid", "dev01"),
    ],
)
def test_the_same_ask_in_other_words_shares_the_answer(
    daypass: Command, portal: StubPortal, words: tuple[str, ...]
) -> None:
    assert daypass(*DEV).out == daypass(*words).out
    assert len(portal.asked) == 1


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("aws", "--tenant", "dev02"), {}),
        (("aws", "--admin"), {}),
        (("aws", "--tenant", "dev01", "--duration", "1h"), {}),
        (("aws", "--tenant", "dev01", "--token", "another_token"), {}),
        (("aws", "--tenant", "dev01", "--no-cache"), {}),
        (("aws", "--tenant", "dev01"), {"DAYPASS_TOKEN": "another_token"}),
        (("aws", "--tenant", "dev01"), {"DAYPASS_CACHE_DIR": "{home}/elsewhere"}),
        (("aws", "--tenant", "dev01"), {"XDG_CACHE_HOME": "{home}/elsewhere"}),
    ],
)
def test_another_ask_never_gets_that_answer(
    daypass: Command, portal: StubPortal, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    first = daypass(*DEV)
    other = daypass(*words, **{name: text.format(home=daypass.home) for name, text in environment.items()})

    assert other.code == 0
    assert first.out != other.out
    assert len(portal.asked) == 2


def test_an_answer_that_nothing_is_to_keep_is_kept_nowhere(daypass: Command) -> None:
    assert daypass(*DEV, "--no-cache").code == 0
    assert not daypass.cache.exists()


@pytest.mark.parametrize(
    ("life", "served"),
    [(60, 44), (15, 7.5), (32, 16), (120, 104), (720, 704)],
    ids=lambda minutes: f"{minutes} min",
)
def test_an_answer_is_served_while_half_its_life_or_sixteen_minutes_are_left(
    daypass: Command, portal: StubPortal, life: float, served: float
) -> None:
    portal.life = timedelta(minutes=life)
    daypass(*DEV)

    age(daypass.entry(), int(served * MINUTE) - 30)
    daypass(*DEV)
    assert len(portal.asked) == 1

    age(daypass.entry(), 30)
    daypass(*DEV)
    assert len(portal.asked) == 2


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_by_an_hour_is_told_and_does_not_matter(
    daypass: Command, portal: StubPortal, hours: int
) -> None:
    portal.clock_error = timedelta(hours=hours)

    first, second = daypass(*DEV), daypass(*DEV)

    assert first.out == second.out
    assert len(portal.asked) == 1
    assert f"clock is 60 minutes {'behind' if hours > 0 else 'ahead of'} the portal's" in first.err
    entry = Entry.from_bytes(daypass.entry().read_bytes())
    assert abs(entry.good_until - entry.asked_at - 44 * MINUTE) <= 2
    assert abs(
        datetime.fromisoformat(json.loads(first.out)["Expiration"]) - portal.now() - portal.life
    ) < timedelta(seconds=30)


def test_a_clock_that_is_off_by_two_minutes_counts_in_silence(daypass: Command, portal: StubPortal) -> None:
    portal.clock_error = timedelta(minutes=-2)

    assert daypass(*DEV).err == ""
    entry = Entry.from_bytes(daypass.entry().read_bytes())
    assert abs(entry.good_until - entry.asked_at - 44 * MINUTE) <= 2


def test_an_answer_from_the_future_is_not_served(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)

    age(daypass.entry(), -10 * MINUTE)
    daypass(*DEV)

    assert len(portal.asked) == 2


@pytest.mark.parametrize("words", [DEV, ("env", "--shell", "sh", "--tenant", "dev01")])
def test_keys_that_an_earlier_version_cached_end_with_z_too(
    daypass: Command, portal: StubPortal, words: tuple[str, ...]
) -> None:
    daypass(*DEV)
    new = Entry.from_bytes(daypass.entry().read_bytes())
    earlier = new.answer.replace(b'Z"', b'+00:00"')
    daypass.entry().write_bytes(Entry(earlier, new.about, new.asked_at, new.good_until).to_bytes())

    ran = daypass(*words)

    assert len(portal.asked) == 1
    assert re.search(r"\d\d:\d\d:\d\dZ", ran.out)
    assert "+00:00" not in ran.out


def test_another_role_behind_the_same_name_is_told(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)
    age(daypass.entry(), 50 * MINUTE)
    portal.role = "arn:aws:iam::999999999999:role/other"

    ran = daypass(*DEV)

    assert ran.code == 0
    assert (
        "The kept keys of tenant dev01 were replaced: role arn:aws:iam::123456789012:role/duploservices-dev01"
        in ran.err
    )
    assert "became arn:aws:iam::999999999999:role/other" in ran.err
    assert daypass(*DEV).out == ran.out


def test_folder_and_files_are_for_their_owner_alone(daypass: Command) -> None:
    daypass(*DEV)

    assert stat.S_IMODE(daypass.cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in daypass.cache.iterdir()} == {0o600}


def _cut_short(entry: Path) -> None:
    os.truncate(entry, entry.stat().st_size - 10)


def _emptied(entry: Path) -> None:
    os.truncate(entry, 0)


def _garbled(entry: Path) -> None:
    entry.write_bytes(os.urandom(500))


def _changed(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes().replace(b"ASIA0", b"ASIA9"))


def _given_away(path: Path) -> None:
    os.chown(path, 65534, 65534)


# Only root can give a file away, so only root can try what happens then.
GIVEN_AWAY = [_given_away] if os.geteuid() == 0 else []


def _readable_by_the_group(entry: Path) -> None:
    entry.chmod(0o640)


def _writable_by_all(entry: Path) -> None:
    entry.chmod(0o602)


def _a_symlink(entry: Path) -> None:
    real = entry.parent.parent / "planted"
    entry.rename(real)
    entry.symlink_to(real)


def _a_pipe(entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        _cut_short,
        _emptied,
        _garbled,
        _changed,
        _readable_by_the_group,
        _writable_by_all,
        _a_symlink,
        _a_pipe,
        *GIVEN_AWAY,
    ],
)
def test_an_entry_that_is_not_as_we_left_it_is_ignored_and_replaced(
    daypass: Command, portal: StubPortal, spoil: Callable[[Path], None]
) -> None:
    daypass(*DEV)
    spoil(daypass.entry())

    ran = daypass(*DEV)

    assert ran.code == 0
    assert len(portal.asked) == 2
    assert ran.err.count("\n") == 1
    assert f"{daypass.entry()} are ignored: " in ran.err
    assert daypass(*DEV).out == ran.out
    assert daypass.entry().is_file()
    assert not daypass.entry().is_symlink()


def _open_to_others(folder: Path) -> None:
    folder.chmod(0o755)


def _a_symlinked_folder(folder: Path) -> None:
    real = folder.rename(folder.parent / "real")
    folder.symlink_to(real)


def _a_file(folder: Path) -> None:
    folder.rename(folder.parent / "real")
    folder.touch()


@pytest.mark.parametrize("spoil", [_open_to_others, _a_symlinked_folder, _a_file, *GIVEN_AWAY])
def test_a_folder_that_is_not_ours_alone_is_neither_read_nor_written(
    daypass: Command, portal: StubPortal, spoil: Callable[[Path], None]
) -> None:
    daypass(*DEV)
    before = daypass.entry().stat()
    spoil(daypass.cache)

    first, second = daypass(*DEV), daypass(*DEV)

    assert (first.code, second.code) == (0, 0)
    assert len(portal.asked) == 3
    assert f"The cache {daypass.cache} is not used: " in first.err
    (kept,) = daypass.home.rglob("*.keys")
    assert kept.stat().st_mtime_ns == before.st_mtime_ns


def test_a_lock_that_is_a_symlink_is_not_followed(daypass: Command) -> None:
    daypass(*DEV)
    (lock,) = daypass.cache.glob("*.lock")
    lock.unlink()
    lock.symlink_to(daypass.home / "planted")
    daypass.entry().unlink()

    assert daypass(*DEV).code == 0
    assert not (daypass.home / "planted").exists()


def test_a_full_disk_costs_only_the_keeping(daypass: Command) -> None:
    ran = daypass.on_a_full_disk(*DEV)

    assert ran.code == 0
    assert json.loads(ran.out)["Version"] == 1
    assert "could not be kept" in ran.err


def test_clearing_removes_the_keys_and_nothing_else(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)
    daypass("aws", "--admin")
    (daypass.cache / "notes.txt").touch()

    ran = daypass("cache", "clear")

    assert (ran.code, ran.out, ran.err) == (0, "", "daypass: 2 cached answers removed.\n")
    assert list(daypass.cache.glob("*.keys")) == []
    assert (daypass.cache / "notes.txt").exists()
    daypass(*DEV)
    assert len(portal.asked) == 3


def test_nothing_is_cleared_where_others_may_look(daypass: Command) -> None:
    daypass(*DEV)
    daypass.cache.chmod(0o755)

    ran = daypass("cache", "clear")

    assert ran.code == 6
    assert "others may read or write it" in ran.err
    assert daypass.entry().exists()


LINES = st.binary(max_size=60).filter(lambda line: b"\n" not in line)


@given(LINES, LINES, st.integers(0, 2**40), st.integers(0, 2**40))
def test_an_entry_reads_back_as_it_was_written(
    answer: bytes, about: bytes, asked_at: int, good_until: int
) -> None:
    entry = Entry(answer, about, asked_at, good_until)

    again = Entry.from_bytes(entry.to_bytes())

    assert [getattr(again, part) for part in Entry.__slots__] == [
        getattr(entry, part) for part in Entry.__slots__
    ]


@given(st.data())
def test_an_entry_with_one_byte_changed_is_unfit(data: st.DataObject) -> None:
    whole = bytearray(Entry(b'{"Version": 1}\n', b"{}", 1, 2).to_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(UnsafeCacheFile):
        Entry.from_bytes(bytes(whole))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_entry_is_good_from_its_asking_until_its_end(asked_at: int, good_until: int, now: int) -> None:
    entry = Entry(b"", b"", asked_at, good_until)

    assert entry.is_good(now) is (asked_at <= now and now < good_until)
