"""`daypass portal backup`: an online copy of the SQLite database."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from daypass.portal.storage.backup import BackupError, back_up
from tests.portal.processes import Operator

INSERT = (
    "INSERT INTO users (id, username, role, created_at) VALUES (?, ?, 'User', '2026-11-30 12:00:00.000000')"
)


def _path(operator: Operator) -> Path:
    return Path(operator.environment["DAYPASS_DATABASE_URL"].removeprefix("sqlite:///"))


def _users(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        (number,) = database.execute("SELECT count(*) FROM users").fetchone()
    return int(number)


def test_a_backup_is_complete_private_and_checked(operator: Operator, tmp_path: Path) -> None:
    with closing(sqlite3.connect(_path(operator), isolation_level=None)) as portal:
        portal.execute(INSERT, ("1", "dana"))
        # Still in the write-ahead log, where a copy of the file alone would miss it.
        made = operator.run_inside("backup", str(tmp_path / "copy.db"))

    copy = tmp_path / "copy.db"
    assert (made.returncode, made.stdout) == (0, "")
    assert made.stderr == f"{copy}: {copy.stat().st_size:,} bytes, checked.\n"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert _users(copy) == 1
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"]
    checked = operator.run_inside("audit", "export", DAYPASS_DATABASE_URL=f"sqlite:///{copy}")
    assert checked.returncode == 0


def test_a_backup_is_of_the_database_that_serve_uses_without_a_url(
    operator: Operator, tmp_path: Path
) -> None:
    unset = {"DAYPASS_DATABASE_URL": "", "STATE_DIRECTORY": str(tmp_path / "state")}
    assert operator.run_inside("migrate", **unset).returncode == 0
    with closing(sqlite3.connect(tmp_path / "state" / "daypass.db")) as portal, portal:
        portal.execute(INSERT, ("1", "dana"))

    made = operator.run_inside("backup", str(tmp_path / "copy.db"), **unset)

    assert (made.returncode, _users(tmp_path / "copy.db")) == (0, 1)


def test_a_misspelled_variable_does_not_back_up_the_default_database(
    operator: Operator, tmp_path: Path
) -> None:
    refused = operator.run_inside(
        "backup", str(tmp_path / "copy.db"), DAYPASS_DATABSE_URL="sqlite:///other.db"
    )

    assert refused.returncode == 1
    assert "DAYPASS_DATABASE_URL" in refused.stderr
    assert not (tmp_path / "copy.db").exists()


def test_a_backup_completes_while_other_connections_write(operator: Operator, tmp_path: Path) -> None:
    source, copy = _path(operator), tmp_path / "copy.db"
    with closing(sqlite3.connect(source)) as portal, portal:
        filler = "x" * 2000
        portal.executemany(INSERT, [(f"old{number}", f"{filler}{number}") for number in range(10_000)])
    is_over = threading.Event()
    written: list[int] = []

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None, timeout=30)) as portal:
            while not is_over.is_set():
                portal.execute(INSERT, (f"new{len(written)}", f"new{len(written)}"))
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(source, copy, lambda _written, _expected: None)
    finally:
        is_over.set()
        writer.join()

    assert written
    assert 10_000 <= _users(copy) <= 10_000 + len(written)


@pytest.mark.parametrize("kind", ["file", "link to nowhere"])
def test_a_backup_does_not_overwrite_a_file(kind: str, operator: Operator, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    if kind == "file":
        copy.write_text("precious")
    else:
        copy.symlink_to(tmp_path / "nowhere")

    refused = operator.run_inside("backup", str(copy))

    assert refused.returncode == 1
    assert refused.stderr == f"daypass portal: {copy} exists, and is not overwritten. Choose another name.\n"
    if kind == "file":
        assert copy.read_text() == "precious"
    else:
        assert copy.is_symlink()
        assert not copy.exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [("missing.db", "There is no database at "), ("notes.txt", "file is not a database")],
)
def test_a_failed_backup_leaves_no_file(source: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"something else" * 100)

    with pytest.raises(BackupError, match=said):
        back_up(tmp_path / source, tmp_path / "copy.db", lambda _written, _expected: None)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_backup_into_a_missing_folder_is_refused(operator: Operator, tmp_path: Path) -> None:
    refused = operator.run_inside("backup", str(tmp_path / "no" / "copy.db"))

    assert refused.returncode == 1
    assert refused.stderr == f"daypass portal: Cannot write to {tmp_path}/no: No such file or directory.\n"


def test_the_printed_command_backs_up_postgresql(
    operator: Operator, postgres_url: str, tmp_path: Path
) -> None:
    url = postgres_url.replace("postgresql:///", "postgresql://daypass:hunter-canary@/").replace(
        "&user=daypass", ""
    )
    copy = tmp_path / "daypass copy.dump"

    refused = operator.run_inside("backup", str(copy), DAYPASS_DATABASE_URL=url)

    first, command = refused.stderr.splitlines()
    assert (refused.returncode, first) == (1, "daypass portal: PostgreSQL is backed up by its own tool:")
    assert "canary" not in command
    assert os.system(command) == 0  # noqa: S605  what the operator would paste
    assert copy.read_bytes().startswith(b"PGDMP")
