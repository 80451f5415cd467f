"""An installation without extras: each command group names the extra it needs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from daypass import __version__
from daypass.cli.lazy_group import load
from daypass.main import EXTRA_COMMANDS

ROOT = Path(__file__).parent.parent.parent
WHEEL = f"./daypass-{__version__}-py3-none-any.whl"


def every_command(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    """Yield the words of this command and of all its subcommands."""
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command((*words, name), inner)


COMMANDS = [
    words for name in EXTRA_COMMANDS for words in every_command((name,), load(EXTRA_COMMANDS[name][0]))
]


@pytest.fixture(scope="module")
def base_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `daypass` of a virtual environment in which only `pip install .` was run."""
    environment = tmp_path_factory.mktemp("base") / "venv"
    uv = shutil.which("uv") or str(Path(sys.prefix, "bin", "uv"))
    for words in (
        ["venv", "--quiet", "--python", sys.executable, str(environment)],
        ["pip", "install", "--quiet", "--python", str(environment), str(ROOT)],
    ):
        subprocess.run([uv, *words], check=True, timeout=300)
    return environment / "bin" / "daypass"


@pytest.mark.parametrize("help_flag", ["", "--help"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_without_its_extra_says_what_to_install(
    base_only: Path, tmp_path: Path, words: tuple[str, ...], help_flag: str
) -> None:
    ran = subprocess.run(
        [base_only, *words, *help_flag.split()],
        env={"HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    extra = EXTRA_COMMANDS[words[0]][1]
    lines = f"in a clone, pip install '.[{extra}]'; from a release file, pip install '{WHEEL}[{extra}]'"
    assert (ran.returncode, ran.stdout) == (6, "")
    state = {
        "server": "the server extra, which is not installed",
        "sandbox": "the sandbox extra, which is not installed",
        "server,sandbox": "the server and sandbox extras, which are not all installed",
    }[extra]
    assert f"`daypass {words[0]}` needs {state} (missing: " in ran.stderr
    assert ran.stderr.endswith(f"Install it: {lines}\n")
    assert list(tmp_path.iterdir()) == []


def test_help_and_completion_work_without_extras(base_only: Path, tmp_path: Path) -> None:
    def answer(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [base_only, *words],
            env={"HOME": str(tmp_path)} | more,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

    assert "Exit codes" in answer("--help").stdout
    completed = answer(_DAYPASS_COMPLETE="bash_complete", COMP_WORDS="daypass portal ", COMP_CWORD="2")
    assert completed.stderr == ""
