"""The private cache: when an answer is served, and which files are never trusted."""

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

from daypass.cli.cache.credentials import Credentials
from daypass.cli.cache.files import CacheFile, UnsafeCacheFile
from tests.cli.conftest import Command
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")
MINUTE = 60


def age(path: Path, seconds: int) -> None:
    """Rewrite the entry as if it had been written *seconds* earlier."""
    before = CacheFile.from_bytes(path.read_bytes())
    times = (before.valid_from - seconds, before.valid_until - seconds)
    after = CacheFile(*times, before.header, before.body)
    path.write_bytes(after.to_bytes())


def test_a_repeated_request_is_answered_from_the_cache(daypass: Command, portal: StubPortal) -> None:
    first, second = daypass(*DEV), daypass(*DEV)

    assert len(portal.requests) == 1
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
def test_equivalent_requests_share_a_cached_answer(
    daypass: Command, portal: StubPortal, words: tuple[str, ...]
) -> None:
    assert daypass(*DEV).out == daypass(*words).out
    assert len(portal.requests) == 1


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
def test_a_different_request_never_gets_the_cached_answer(
    daypass: Command, portal: StubPortal, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    first = daypass(*DEV)
    other = daypass(*words, **{name: text.format(home=daypass.home) for name, text in environment.items()})

    assert other.code == 0
    assert first.out != other.out
    assert len(portal.requests) == 2


def test_no_cache_writes_no_file(daypass: Command) -> None:
    assert daypass(*DEV, "--no-cache").code == 0
    assert not daypass.cache.exists()


@pytest.mark.parametrize(
    ("life", "served"),
    [(60, 44), (15, 7.5), (32, 16), (120, 104), (720, 704)],
    ids=lambda minutes: f"{minutes} min",
)
def test_an_answer_is_served_until_half_its_life_or_sixteen_minutes_are_left(
    daypass: Command, portal: StubPortal, life: float, served: float
) -> None:
    portal.life = timedelta(minutes=life)
    daypass(*DEV)

    age(daypass.entry(), int(served * MINUTE) - 30)
    daypass(*DEV)
    assert len(portal.requests) == 1

    age(daypass.entry(), 30)
    daypass(*DEV)
    assert len(portal.requests) == 2


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_is_reported_and_compensated(
    daypass: Command, portal: StubPortal, hours: int
) -> None:
    portal.clock_error = timedelta(hours=hours)

    first, second = daypass(*DEV), daypass(*DEV)

    assert first.out == second.out
    assert len(portal.requests) == 1
    assert f"clock is 60 minutes {'behind' if hours > 0 else 'ahead of'} the portal's" in first.err
    stored = CacheFile.from_bytes(daypass.entry().read_bytes())
    assert abs(stored.valid_until - stored.valid_from - 44 * MINUTE) <= 2
    assert abs(
        datetime.fromisoformat(json.loads(first.out)["Expiration"]) - portal.now() - portal.life
    ) < timedelta(seconds=30)


def test_a_clock_that_is_two_minutes_off_is_compensated_silently(
    daypass: Command, portal: StubPortal
) -> None:
    portal.clock_error = timedelta(minutes=-2)

    assert daypass(*DEV).err == ""
    stored = CacheFile.from_bytes(daypass.entry().read_bytes())
    assert abs(stored.valid_until - stored.valid_from - 44 * MINUTE) <= 2


def test_an_answer_with_a_future_request_time_is_not_served(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)

    age(daypass.entry(), -10 * MINUTE)
    daypass(*DEV)

    assert len(portal.requests) == 2


@pytest.mark.parametrize("words", [DEV, ("env", "--shell", "sh", "--tenant", "dev01")])
def test_the_expiry_cached_by_an_earlier_version_is_printed_with_z(
    daypass: Command, portal: StubPortal, words: tuple[str, ...]
) -> None:
    daypass(*DEV)
    new = CacheFile.from_bytes(daypass.entry().read_bytes())
    earlier = new.body.replace(b'Z"', b'+00:00"')
    daypass.entry().write_bytes(CacheFile(new.valid_from, new.valid_until, new.header, earlier).to_bytes())

    ran = daypass(*words)

    assert len(portal.requests) == 1
    assert re.search(r"\d\d:\d\d:\d\dZ", ran.out)
    assert "+00:00" not in ran.out


def test_a_changed_role_of_a_tenant_is_reported(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)
    age(daypass.entry(), 50 * MINUTE)
    portal.role = "arn:aws:iam::999999999999:role/other"

    ran = daypass(*DEV)

    assert ran.code == 0
    assert (
        "The cached keys of tenant dev01 were replaced: "
        "role arn:aws:iam::123456789012:role/duploservices-dev01" in ran.err
    )
    assert "became arn:aws:iam::999999999999:role/other" in ran.err
    assert daypass(*DEV).out == ran.out


def test_cache_folder_and_files_are_accessible_to_their_owner_only(daypass: Command) -> None:
    daypass(*DEV)

    assert stat.S_IMODE(daypass.cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in daypass.cache.iterdir()} == {0o600}


def _truncated(entry: Path) -> None:
    os.truncate(entry, entry.stat().st_size - 10)


def _emptied(entry: Path) -> None:
    os.truncate(entry, 0)


def _garbled(entry: Path) -> None:
    entry.write_bytes(os.urandom(500))


def _changed(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes().replace(b"ASIA0", b"ASIA9"))


def _owned_by_another(path: Path) -> None:
    os.chown(path, 65534, 65534)


# Only root can change a file's owner.
OWNED_BY_ANOTHER = [_owned_by_another] if os.geteuid() == 0 else []


def _readable_by_the_group(entry: Path) -> None:
    entry.chmod(0o640)


def _writable_by_all(entry: Path) -> None:
    entry.chmod(0o602)


def _replaced_by_a_symlink(entry: Path) -> None:
    real = entry.parent.parent / "planted"
    entry.rename(real)
    entry.symlink_to(real)


def _replaced_by_a_pipe(entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        _truncated,
        _emptied,
        _garbled,
        _changed,
        _readable_by_the_group,
        _writable_by_all,
        _replaced_by_a_symlink,
        _replaced_by_a_pipe,
        *OWNED_BY_ANOTHER,
    ],
)
def test_a_damaged_or_unsafe_cache_file_is_ignored_and_replaced(
    daypass: Command, portal: StubPortal, spoil: Callable[[Path], None]
) -> None:
    daypass(*DEV)
    spoil(daypass.entry())

    ran = daypass(*DEV)

    assert ran.code == 0
    assert len(portal.requests) == 2
    assert ran.err.count("\n") == 1
    assert f"{daypass.entry()} is ignored: " in ran.err
    assert daypass(*DEV).out == ran.out
    assert daypass.entry().is_file()
    assert not daypass.entry().is_symlink()


def _open_to_others(folder: Path) -> None:
    folder.chmod(0o755)


def _replaced_by_a_symlink_to_a_folder(folder: Path) -> None:
    real = folder.rename(folder.parent / "real")
    folder.symlink_to(real)


def _replaced_by_a_file(folder: Path) -> None:
    folder.rename(folder.parent / "real")
    folder.touch()


@pytest.mark.parametrize(
    "spoil", [_open_to_others, _replaced_by_a_symlink_to_a_folder, _replaced_by_a_file, *OWNED_BY_ANOTHER]
)
def test_an_unsafe_cache_folder_is_neither_read_nor_written(
    daypass: Command, portal: StubPortal, spoil: Callable[[Path], None]
) -> None:
    daypass(*DEV)
    before = daypass.entry().stat()
    spoil(daypass.cache)

    first, second = daypass(*DEV), daypass(*DEV)

    assert (first.code, second.code) == (0, 0)
    assert len(portal.requests) == 3
    assert f"The cache {daypass.cache} is not used: " in first.err
    (cached,) = daypass.home.rglob("*.keys")
    assert cached.stat().st_mtime_ns == before.st_mtime_ns


def test_a_lock_that_is_a_symlink_is_not_followed(daypass: Command) -> None:
    daypass(*DEV)
    (lock,) = daypass.cache.glob("*.lock")
    lock.unlink()
    lock.symlink_to(daypass.home / "planted")
    daypass.entry().unlink()

    assert daypass(*DEV).code == 0
    assert not (daypass.home / "planted").exists()


def test_on_a_full_disk_credentials_are_printed_uncached(daypass: Command) -> None:
    ran = daypass.on_a_full_disk(*DEV)

    assert ran.code == 0
    assert json.loads(ran.out)["Version"] == 1
    assert "could not be stored" in ran.err


def test_clearing_removes_credentials_and_no_other_files(daypass: Command, portal: StubPortal) -> None:
    daypass(*DEV)
    daypass("aws", "--admin")
    (daypass.cache / "notes.txt").touch()

    ran = daypass("cache", "clear")

    assert (ran.code, ran.out, ran.err) == (0, "", "daypass: 2 cached answers removed.\n")
    assert list(daypass.cache.glob("*.keys")) == []
    assert (daypass.cache / "notes.txt").exists()
    daypass(*DEV)
    assert len(portal.requests) == 3


def test_clearing_an_unsafe_cache_folder_is_refused(daypass: Command) -> None:
    daypass(*DEV)
    daypass.cache.chmod(0o755)

    ran = daypass("cache", "clear")

    assert ran.code == 6
    assert "others may read or write it" in ran.err
    assert daypass.entry().exists()


LINES = st.binary(max_size=60).filter(lambda line: b"\n" not in line)


@given(LINES, LINES, st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_file_survives_writing_and_reading(
    body: bytes, header: bytes, valid_from: int, valid_until: int
) -> None:
    file = CacheFile(valid_from, valid_until, header, body)

    copy = CacheFile.from_bytes(file.to_bytes())

    assert (copy.valid_from, copy.valid_until) == (valid_from, valid_until)
    assert (copy.header, copy.body) == (header, body)


@given(st.data())
def test_a_file_with_one_changed_byte_is_rejected(data: st.DataObject) -> None:
    whole = bytearray(CacheFile(1, 2, b"{}", b'{"Version": 1}\n').to_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(UnsafeCacheFile):
        CacheFile.from_bytes(bytes(whole))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_credentials_are_served_from_their_request_until_their_end(
    requested_at: int, served_until: int, now: int
) -> None:
    credentials = Credentials(b"", b"", requested_at, served_until)

    assert credentials.is_served(now) is (requested_at <= now and now < served_until)
