"""The state folder: private, written atomically, and used by one demo at a time."""

import os
import stat
from pathlib import Path

import pytest

from daypass.demo.errors import DemoError
from daypass.demo.state_dir import exclusive_lock, open_folder

US = os.geteuid()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_its_files_are_private(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "deep" / "demo", US)

    written = folder.write("secret", b"hush")

    assert mode(folder.path) == 0o700
    assert mode(written) == 0o600
    assert written.read_bytes() == b"hush"


def test_an_existing_folder_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert mode(open_folder(tmp_path, US).path) == 0o700


def test_a_file_is_replaced_atomically_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, US)
    folder.write("state", b"the first, which is longer")

    folder.write("state", b"the second")

    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (tmp_path / "state").read_bytes() == b"the second"


def test_a_file_at_the_path_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")

    with pytest.raises(DemoError, match="Choose another folder with --dir"):
        open_folder(tmp_path / "demo", US)


def test_a_link_at_the_path_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "demo").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DemoError, match="is not a folder"):
        open_folder(tmp_path / "demo", US)


def test_an_unwritable_path_is_refused() -> None:
    with pytest.raises(DemoError, match="cannot be used"):
        open_folder(Path("/proc/daypass-demo"), US)


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, US)

    with (
        exclusive_lock(folder),
        pytest.raises(DemoError, match="Another demo is running"),
        exclusive_lock(folder),
    ):
        pass

    with exclusive_lock(folder):
        pass


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="belongs to another user"):
        open_folder(tmp_path, US + 1)
