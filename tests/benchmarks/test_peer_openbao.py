"""The comparison with OpenBao: its messages without it, and its set-up against a stub of the server."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.openbao import PLUGIN, OpenBaoFailed, OpenBaoMissing, Programs, find_programs
from benchmarks.peer_openbao import MISSING, measure
from benchmarks.runs import CALLERS, Run, median_run

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """A stub of the server, and a plug-in that is never run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    source = Path(__file__).with_name("stub_bao.py").read_text()
    (folder / "mode").write_text("")
    (folder / "bao").write_text(f"#!{sys.executable}\n{source}")
    (folder / PLUGIN).write_text("#!/bin/false\n")
    for program in ("bao", PLUGIN):
        (folder / program).chmod(0o755)
    return find_programs(str(folder))


@pytest.mark.parametrize(
    ("present", "missing"),
    [
        ([], f"bao and {PLUGIN} are not on the PATH"),
        (["bao"], f"{PLUGIN} is not on the PATH"),
        ([PLUGIN], "bao is not on the PATH"),
    ],
)
def test_a_missing_program_is_named(tmp_path: Path, present: list[str], missing: str) -> None:
    for name in present:
        shutil.copy("/bin/true", tmp_path / name)

    with pytest.raises(OpenBaoMissing, match=missing):
        find_programs(str(tmp_path))


def test_without_openbao_the_command_says_so_and_exits_with_2(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.peer_openbao"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (MISSING, "")
    assert "are not on the PATH. Install OpenBao 2.4 or later" in ran.stderr


def test_both_issue_sessions_of_the_same_stub_in_turns(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The commands of the benchmark are run as modules of this folder.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    pairs = measure(programs, workers=1, number=2, seconds=0.1)

    assert [pair.old.callers for pair in pairs] == [*CALLERS] * 2
    assert all(pair.old.name == "Daypass" and pair.old.per_second > 0 for pair in pairs)
    assert all(pair.new.name == "OpenBao" and pair.new.per_second > 0 for pair in pairs)


def test_a_server_that_does_not_start_is_reported_with_its_log(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (programs.server.parent / "mode").write_text("--fail")

    with pytest.raises(OpenBaoFailed, match=r"did not start.*\nError: the configuration is not accepted"):
        measure(programs, workers=1, number=1, seconds=0.1)


def test_the_median_run_has_the_median_of_each_figure() -> None:
    runs = [Run("a", 8, rate, p50, 9.0, 1.0) for rate, p50 in ((100, 1.0), (300, 5.0), (200, 3.0))]

    assert median_run(runs) == Run("a", 8, 200, 3.0, 9.0, 1.0)
