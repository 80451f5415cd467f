"""Every command copes with standard streams that are closed, full or cannot encode every character."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from daypass.cli.app import OWN_COMMANDS, root
from daypass.cli.lazy_group import load
from daypass.main import EXTRA_COMMANDS
from tests.cli.conftest import SCRIPT, Command
from tests.cli.stub import StubPortal

CLOSED, FULL = ">&-", ">/dev/full"


def subcommands(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            yield from subcommands((*words, name), part)


def every_command() -> list[tuple[str, ...]]:
    locations = {name: location for name, (location, *_) in ({**OWN_COMMANDS, **EXTRA_COMMANDS}).items()}
    return [
        (),
        *(words for name, location in locations.items() for words in subcommands((name,), load(location))),
    ]


def in_shell(
    daypass: Command, words: str, redirection: str, **more: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", f"daypass {words} {redirection}"],
        env=daypass.environment(**more),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


RUN_EACH = """
import json, os, sys
from daypass.main import main
commands, descriptor, codes = json.loads(sys.argv[1]), int(sys.argv[2]), []
for words in commands:
    sys.argv = ["daypass", *words, "--help"]
    codes.append(main())
os.write(descriptor, json.dumps(codes).encode())
"""


@pytest.mark.parametrize("redirection", [CLOSED, FULL])
def test_every_command_reports_an_unwritable_stdout(redirection: str) -> None:
    commands = every_command()
    assert root.name
    assert len(commands) > 30

    # One process for all commands, because starting an interpreter takes most of the time.
    ran = subprocess.run(
        [
            "sh",
            "-c",
            f'exec 3>&1; exec "$0" -c "$1" "$2" 3 {redirection}',
            sys.executable,
            RUN_EACH,
            json.dumps(commands),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert dict(zip(commands, json.loads(ran.stdout), strict=True)) == dict.fromkeys(commands, 7)
    lines = ran.stderr.splitlines()
    assert len(lines) == len(commands)
    assert all(line.startswith("daypass: Standard output cannot be written: ") for line in lines)


@pytest.mark.parametrize("redirection", [CLOSED, FULL])
@pytest.mark.parametrize(
    "words",
    [
        "aws --tenant dev01",
        "aws --tenant dev01 --no-cache",
        "tenants",
        "tenants --output json",
        "whoami",
        "token",
        "env --tenant dev01",
        "web --tenant dev01 --print",
        "jit aws --tenant dev01 -o json",
    ],
)
def test_output_that_cannot_be_written_is_reported(daypass: Command, words: str, redirection: str) -> None:
    ran = in_shell(daypass, words, redirection)

    assert ran.returncode == 7
    assert "Standard output cannot be written" in ran.stderr
    assert "unexpected" not in ran.stderr
    assert "canary" not in ran.stderr


def test_cached_credentials_that_cannot_be_written_are_reported(daypass: Command) -> None:
    daypass("aws", "--tenant", "dev01")

    for redirection in (CLOSED, FULL):
        ran = in_shell(daypass, "aws --tenant dev01", redirection)
        assert (ran.returncode, "Standard output cannot be written" in ran.stderr) == (7, True)


def test_a_signal_during_output_does_not_repeat_it(daypass: Command) -> None:
    serving = daypass.start("serve-credentials", "--tenant", "dev01", "--output", "json")
    assert serving.stdout is not None
    serving.stdout.readline()

    serving.terminate()

    assert serving.communicate(timeout=60)[0] == ""


def test_a_command_without_output_works_with_a_closed_stdout(daypass: Command) -> None:
    assert in_shell(daypass, "cache clear", CLOSED).returncode == 0


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_without_stderr_the_exit_code_reports_the_outcome(daypass: Command, redirection: str) -> None:
    assert in_shell(daypass, "aws --tenant dev01", redirection, DAYPASS_TOKEN="").returncode == 3
    assert in_shell(daypass, "tenants --nonsense", redirection).returncode == 2
    assert in_shell(daypass, "cache clear", redirection).returncode == 0


def test_with_closed_streams_credentials_are_not_written_into_a_socket(
    daypass: Command, portal: StubPortal
) -> None:
    ran = in_shell(daypass, "aws --tenant dev01 --no-cache", "<&- >&- 2>&-")

    assert ran.returncode == 7
    assert len(portal.requests) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437", "utf-8"])
@pytest.mark.parametrize(
    "words", ["tenants", "whoami", "tenants --output json", "whoami --output json", "export"]
)
def test_output_is_written_in_every_encoding(
    daypass: Command, portal: StubPortal, encoding: str, words: str
) -> None:
    portal.tenants = ["dév01", "prod→01", "moon🌙"]

    ran = subprocess.run(
        [SCRIPT, *words.split()],
        env=daypass.environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        timeout=60,
        check=False,
    )

    if words != "export":
        assert (ran.returncode, ran.stderr) == (0, b"")
        # click treats ASCII as an unconfigured locale and writes UTF-8.
        assert ran.stdout.decode("utf-8" if encoding == "ascii" else encoding)
    assert b"unexpected" not in ran.stderr
    if words == "tenants --output json":
        assert [tenant["name"] for tenant in json.loads(ran.stdout)] == portal.tenants
