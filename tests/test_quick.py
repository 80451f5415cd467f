"""The selection of tests by `--quick`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.quick import REAL_PARTS

ROOT = Path(__file__).parent.parent

SAMPLE = """
import subprocess
import pytest

@pytest.fixture
def postgres():
    raise AssertionError("the server was started")

@pytest.fixture(scope="module")
def helper():
    subprocess.run(["true"], check=True)

def test_with_a_real_part(postgres): pass

@pytest.mark.parametrize("server", ["sqlite", "postgres"])
def test_on_each_database(server): pass

def test_with_a_program():
    subprocess.run(["true"], check=True)

@pytest.mark.parametrize("number", [1, 2])
def test_with_a_fixture_that_starts_a_program(helper, number): pass

def test_of_a_rule(): pass
"""


def _run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    sample = folder / "test_sample.py"
    sample.write_text(SAMPLE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.quick",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
    ]
    return subprocess.run(
        [*command, "--rootdir", folder, "-c", "/dev/null", *options, sample],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_quick_runs_only_tests_that_start_no_other_program(tmp_path: Path) -> None:
    quick = _run(tmp_path, "--quick")

    assert quick.returncode == 0, quick.stdout
    assert "2 passed, 2 deselected, 3 left out in" in quick.stdout
    assert "Left out: every test that starts another program." in quick.stdout


def test_without_quick_every_test_runs(tmp_path: Path) -> None:
    complete = _run(tmp_path)

    assert "6 passed, 1 error in" in complete.stdout
    assert "Left out" not in complete.stdout


@pytest.mark.parametrize("fixture", sorted(REAL_PARTS))
def test_each_real_part_is_a_fixture(fixture: str) -> None:
    sources = [path.read_text() for path in (ROOT / "tests" / "fixtures").glob("*.py")]

    assert any(f"\ndef {fixture}(" in source for source in sources)
