"""The AWS config file: atomic, private changes that lose no concurrent change."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from daypass.cli.awsconfig import file
from daypass.cli.runtime.errors import Misconfigured, Unavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the config file."""
    return tmp_path / ".aws" / "config"


def change(path: Path, edit: Callable[[bytes], bytes]) -> bool:
    folders = {"DAYPASS_CACHE_DIR": "cache", "DAYPASS_STATE_DIR": "state"}
    environment = {name: str(path.parent.parent / folder) for name, folder in folders.items()}
    return file.change(path, edit, environment)


def append(line: bytes) -> Callable[[bytes], bytes]:
    """Return an idempotent edit that appends *line*."""
    return lambda content: content if line in content else content + line


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_a_new_file_is_private_and_an_existing_one_keeps_its_mode(path: Path) -> None:
    assert change(path, append(b"a\n"))
    assert (mode(path), mode(path.parent)) == ("0o600", "0o700")

    path.chmod(0o640)
    assert change(path, append(b"b\n"))

    assert mode(path) == "0o640"
    assert path.read_bytes() == b"a\nb\n"
    assert [found.name for found in path.parent.iterdir()] == ["config"]


def test_an_unchanged_file_is_not_written(path: Path) -> None:
    change(path, append(b"a\n"))
    before = path.stat()

    assert not change(path, append(b"a\n"))

    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_symbolic_link_is_kept_and_its_target_changed(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "aws-config"
    real.parent.mkdir()
    real.write_bytes(b"a\n")
    path.parent.mkdir()
    path.symlink_to(Path("..") / "dotfiles" / "aws-config")

    change(path, append(b"b\n"))

    assert path.is_symlink()
    assert real.read_bytes() == b"a\nb\n"


def test_the_target_of_a_dangling_link_is_created(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "later")

    change(path, append(b"a\n"))

    assert (tmp_path / "later").read_bytes() == b"a\n"
    assert path.is_symlink()


def test_a_link_loop_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path)

    with pytest.raises(Misconfigured):
        change(path, append(b"a\n"))


def test_a_read_only_file_is_not_changed(path: Path) -> None:
    change(path, append(b"a\n"))
    path.chmod(0o444)

    with pytest.raises(Misconfigured, match=r"read-only\. Nothing was changed.*--diff.*AWS_CONFIG_FILE"):
        change(path, append(b"b\n"))

    assert path.read_bytes() == b"a\n"
    assert mode(path) == "0o444"


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "another user's"])
def test_a_file_that_is_not_regular_or_not_ours_is_not_changed(path: Path, kind: str) -> None:
    path.parent.mkdir()
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.chown(path, 12345, -1)

    with pytest.raises(Misconfigured):
        change(path, append(b"a\n"))

    assert [found.name for found in path.parent.iterdir()] == ["config"]


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("way", ["in place", "by rename"])
def test_a_concurrent_change_is_kept(path: Path, way: str, is_there: bool) -> None:
    path.parent.mkdir()
    if is_there:
        path.write_bytes(b"a\n")
    calls: list[bytes] = []

    def slow(content: bytes) -> bytes:
        if not calls:
            write(path, content + b"theirs\n", way)
        calls.append(content)
        return append(b"ours\n")(content)

    change(path, slow)

    assert path.read_bytes() == (b"a\n" if is_there else b"") + b"theirs\nours\n"


def test_a_concurrent_change_at_the_moment_of_the_replacement_is_kept(path: Path) -> None:
    change(path, append(b"a\n"))

    with path.open("ab", buffering=0) as theirs, at_the_next("os.rename", lambda: theirs.write(b"theirs\n")):
        change(path, append(b"ours\n"))

    assert path.read_bytes() == b"a\ntheirs\nours\n"


@contextmanager
def at_the_next(event: str, act: Callable[[], object]) -> Iterator[None]:
    """Call *act* once, just before the next audit *event* of the interpreter."""
    waiting = [act]

    def hook(name: str, _: tuple[object, ...]) -> None:
        if name == event and waiting:
            waiting.pop()()

    # An audit hook cannot be removed; after the block it does nothing.
    sys.addaudithook(hook)
    yield
    waiting.clear()


def write(path: Path, content: bytes, way: str) -> None:
    if way == "in place":
        path.write_bytes(content)
    else:
        new = path.with_name("new")
        new.write_bytes(content)
        new.rename(path)


def test_endless_concurrent_changes_are_an_error(path: Path) -> None:
    change(path, append(b"a\n"))

    def restless(content: bytes) -> bytes:
        path.write_bytes(content + b"theirs\n")
        return append(b"ours\n")(content)

    with pytest.raises(Unavailable, match="all the time"):
        change(path, restless)

    assert b"ours" not in path.read_bytes()


def test_twenty_concurrent_edits_are_all_kept(path: Path) -> None:
    lines = [b"line %d\n" % number for number in range(20)]
    threads = [Thread(target=change, args=(path, append(line))) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured, match="cannot be"):
        change(tmp_path / "file" / "config", append(b"a\n"))


def refusing(code: int) -> Callable[..., None]:
    """Return a system call that fails with *code*."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("code", [errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_hard_links_a_new_file_is_created(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", refusing(code))

    assert change(path, append(b"a\n"))

    assert (path.read_bytes(), mode(path)) == (b"a\n", "0o600")
    assert [found.name for found in path.parent.iterdir()] == ["config"]


def test_without_hard_links_a_concurrent_new_file_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    path.parent.mkdir()

    def late(content: bytes) -> bytes:
        if not path.exists():
            path.write_bytes(b"theirs\n")
        return append(b"ours\n")(content)

    assert change(path, late)
    assert path.read_bytes() == b"theirs\nours\n"


def on_a_mount_point(path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes) -> os.stat_result:
    """Write a file that cannot be replaced, as a single file mounted into a container."""
    path.parent.mkdir()
    path.write_bytes(old)
    monkeypatch.setattr(os, "rename", refusing(errno.EBUSY))
    return path.stat()


@pytest.mark.parametrize("old", [b"a\n", b"a\n" * 1000])
def test_a_file_that_cannot_be_replaced_is_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes
) -> None:
    before = on_a_mount_point(path, monkeypatch, old)

    assert change(path, lambda content: content[:2] + b"ours\n")

    assert path.read_bytes() == b"a\nours\n"
    assert path.stat().st_ino == before.st_ino
    assert [found.name for found in path.parent.iterdir()] == ["config"]
    assert list((path.parent.parent / "state").iterdir()) == []


def test_an_interrupted_overwrite_leaves_a_private_backup(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_mount_point(path, monkeypatch, b"a\n")
    monkeypatch.setattr(os, "ftruncate", refusing(errno.EIO))

    with pytest.raises(Misconfigured, match=r"could not be written completely.*old content is in") as raised:
        change(path, append(b"ours\n"))

    (backup,) = (path.parent.parent / "state").iterdir()
    assert str(backup) in str(raised.value)
    assert (backup.read_bytes(), mode(backup)) == (b"a\n", "0o600")


def test_without_a_backup_nothing_is_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_mount_point(path, monkeypatch, b"a\n")
    (path.parent.parent / "state").touch()

    with pytest.raises(Misconfigured, match=r"no backup.*Nothing was changed.*DAYPASS_STATE_DIR"):
        change(path, append(b"ours\n"))

    assert path.read_bytes() == b"a\n"


def test_a_writable_file_in_a_read_only_folder_is_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"a\n")
    opening = os.open

    def refuse_new(name: Path, flags: int, *rest: int) -> int:
        if Path(name).parent == path.parent and flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opening(name, flags, *rest)

    monkeypatch.setattr(os, "open", refuse_new)

    assert change(path, append(b"ours\n"))
    assert path.read_bytes() == b"a\nours\n"
