"""The scripts of a clone, on a machine on which nothing is set up yet."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from daypass.demo.commands import demo

SCRIPTS = Path(__file__).parent.parent / "scripts"

FAKE_UV = """#!/bin/sh
printf '%s\\n' "$*" >>"$UV_CALLS"
env | grep '^UV_' >>"$UV_CALLS"
case "$*" in *--check*) [ -e .venv/done ];; esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with its scripts alone, and a uv that notes how it is called."""
    shutil.copytree(SCRIPTS, tmp_path / "clone" / "scripts")
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(FAKE_UV)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path / "clone"


def run(clone: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    calls = clone.parent / "calls"
    path = f"{clone.parent / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=clone,
        env={"PATH": path, "HOME": str(clone), "UV_CALLS": str(calls), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("asked", ["--help", "-h", "--once --help"])
@pytest.mark.parametrize("script", ["demo", "test", "screenshots", "reference", "release", "terraform"])
def test_help_is_answered_before_anything_is_set_up(clone: Path, script: str, asked: str) -> None:
    ran = run(clone, f"scripts/{script} {asked}")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"Usage: scripts/{script} ")
    assert not (clone / ".venv").exists()
    assert not (clone.parent / "calls").exists()


def test_the_help_of_the_demo_names_each_of_its_options(clone: Path) -> None:
    shown = run(clone, "scripts/demo --help").stdout

    for option in demo.params:
        assert f"  {option.opts[0]} " in shown


def set_up(clone: Path, **more: str) -> tuple[str, str]:
    """Set up `.venv` as each script does; what was said, and how uv was called."""
    (clone / "scripts" / "try").write_text('. "$(dirname "$0")/setup"\nsync --no-dev\n')
    ran = run(clone, "sh scripts/try", **more)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr, (clone.parent / "calls").read_text()


def test_uv_trusts_the_authorities_of_the_system(clone: Path) -> None:
    (clone / "authorities.pem").write_text("one")

    _, calls = set_up(clone, SSL_CERT_FILE=str(clone / "authorities.pem"))

    assert "UV_SYSTEM_CERTS=true" in calls
    assert "UV_NATIVE_TLS=true" in calls


def test_what_a_user_has_set_for_uv_stays(clone: Path) -> None:
    (clone / "authorities.pem").write_text("one")

    _, calls = set_up(clone, SSL_CERT_FILE=str(clone / "authorities.pem"), UV_SYSTEM_CERTS="false")

    assert "UV_SYSTEM_CERTS=false" in calls


def test_the_first_time_says_what_takes_long_and_the_second_time_is_quiet(clone: Path) -> None:
    said, calls = set_up(clone)

    assert "Installing packages into .venv" in said
    # Not quiet: uv shows how far it is.
    assert "\nsync --locked --inexact --extra server --extra sandbox --no-dev\n" in calls
    (clone / ".venv").mkdir()
    (clone / ".venv" / "done").touch()
    (clone.parent / "calls").unlink()
    said, calls = set_up(clone)
    assert said == ""
    assert calls.count("sync") == 1
