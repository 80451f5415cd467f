"""`daypass env` and `serve-credentials`: variables in the syntax of each shell."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daypass.cli.credentials.environment import VARIABLES, lines
from daypass.cli.runtime.shells import SHELLS, _name_and_parent, _name_and_parent_by_ps
from tests.cli.conftest import Command, Inside
from tests.cli.stub import StubPortal, problem

DEV = ("env", "--tenant", "dev01")


POSIX = ["bash", "zsh", "dash", "ksh"]

EVAL = {
    **dict.fromkeys(POSIX, 'eval "$(daypass {words})"'),
    "fish": "daypass {words} | source",
    "tcsh": "eval `daypass {words}`",
}
"""The command line with which each shell evaluates a command's output."""

WRONG_LOGIN_SHELL = dict.fromkeys(EVAL, "/usr/bin/fish") | {"fish": "/bin/bash"}


def run_in(shell: str, script: str, daypass: Command, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run *script* in that shell, without the user's own settings of it."""
    options = {"zsh": ["-f"], "tcsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    return subprocess.run(
        [shell, *options, "-c", script],
        env=daypass.environment(SHELL=WRONG_LOGIN_SHELL[shell], **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("shell", EVAL)
def test_a_shell_gets_the_keys_and_unsets_them(daypass: Command, shell: str) -> None:
    script = "; ".join(
        (
            EVAL[shell].format(words="env --tenant dev01"),
            "env | grep ^AWS_ | grep -v -e TOKEN -e SECRET -e EXPIRATION | sort",
            EVAL[shell].format(words="env --unset"),
            "env | grep -c ^AWS_",
        )
    )

    # The login shell is irrelevant.
    ran = run_in(shell, script, daypass, AWS_PROFILE="other")

    assert ran.stdout.split() == [
        "AWS_ACCESS_KEY_ID=ASIA0000000000000001",
        "AWS_DEFAULT_REGION=us-west-2",
        "AWS_REGION=us-west-2",
        "0",
    ], ran.stderr


@pytest.mark.parametrize("shell", EVAL)
@pytest.mark.parametrize("words", ["env --tenant dev01", "env --unset"])
def test_the_printed_commands_succeed(daypass: Command, shell: str, words: str) -> None:
    following = "; and echo next" if shell == "fish" else " && echo next"

    assert run_in(shell, EVAL[shell].format(words=words) + following, daypass).stdout == "next\n"


@pytest.mark.parametrize("shell", POSIX)
@pytest.mark.parametrize(
    "words",
    [
        "env --tenant data01",
        "env --tenat dev01",
        "env --shell bash --host http://192.0.2.1 --tenant dev01",
        "serve-credentials --tenant data01",
    ],
)
def test_a_refusal_stops_a_script_with_set_e(
    daypass: Command, portal: StubPortal, shell: str, words: str
) -> None:
    portal.reply = problem(403, "access_denied", "No.")

    ran = run_in(shell, f"set -e; {EVAL[shell].format(words=words)}; echo went on", daypass)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("daypass: ")


@pytest.mark.parametrize("shell", EVAL)
def test_after_a_refusal_neither_earlier_keys_nor_the_default_profile_are_used(
    daypass: Command, portal: StubPortal, shell: str
) -> None:
    portal.reply = problem(403, "access_denied", "No.")
    failed = "; or echo failed; " if shell == "fish" else " || echo failed; "
    script = EVAL[shell].format(words="env --tenant data01") + failed + "env | grep ^AWS_ | sort"

    ran = run_in(shell, script, daypass, AWS_ACCESS_KEY_ID="ASIAEARLIER", AWS_PROFILE="default")

    assert ran.stdout.split() == [
        "failed",
        "AWS_ACCESS_KEY_ID=REFUSED-BY-DAYPASS",
        "AWS_CREDENTIAL_EXPIRATION=1970-01-01T00:00:00Z",
        "AWS_SECRET_ACCESS_KEY=refused",
        "AWS_SESSION_TOKEN=refused",
    ], ran.stderr


def test_the_shell_is_found_through_a_wrapper_program(daypass: Command) -> None:
    script = "timeout 60 nice daypass env --tenant dev01 | source; and echo $AWS_REGION"

    assert run_in("fish", script, daypass).stdout == "us-west-2\n"


def test_the_shell_of_a_script_is_its_interpreter(daypass: Command) -> None:
    script = daypass.home / "deploy.fish"
    script.write_text(
        "#!/usr/bin/env -S fish --no-config\ndaypass env --tenant dev01 | source\necho $AWS_REGION\n"
    )
    script.chmod(0o700)

    assert run_in("bash", str(script), daypass).stdout == "us-west-2\n"


def test_without_proc_the_shell_is_found_by_ps() -> None:
    waiting = subprocess.Popen(["fish", "--no-config"], stdin=subprocess.PIPE)
    try:
        assert _name_and_parent_by_ps(waiting.pid) == ("fish", os.getpid())
        assert _name_and_parent(waiting.pid) == ("fish", os.getpid())
    finally:
        waiting.communicate(timeout=60)
    assert _name_and_parent_by_ps(waiting.pid) == ("", 0)


def test_a_shell_whose_file_was_replaced_is_recognized(tmp_path: Path) -> None:
    program = Path(shutil.copy("/bin/bash", tmp_path / "bash"))
    running = subprocess.Popen([program, "-c", "echo ready; read -r"], stdin=PIPE, stdout=PIPE)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        program.unlink()
        assert _name_and_parent(running.pid) == ("bash", os.getpid())
    finally:
        running.communicate(timeout=60)


@pytest.mark.parametrize(
    ("shell", "sets"),
    [
        *((shell, "export AWS_REGION=us-west-2") for shell in ("bash", "zsh", "sh", "dash", "ksh")),
        ("fish", "set --global --export AWS_REGION 'us-west-2';"),
        ("csh", "setenv AWS_REGION 'us-west-2';"),
        ("tcsh", "setenv AWS_REGION 'us-west-2';"),
        ("powershell", "$Env:AWS_REGION = 'us-west-2'"),
    ],
)
def test_each_shell_option_selects_its_syntax(inside: Inside, shell: str, sets: str) -> None:
    ran = inside(*DEV, "--shell", shell)

    assert (ran.code, ran.err) == (0, "")
    assert sets in ran.out.splitlines()


def test_the_help_has_a_line_for_each_shell(inside: Inside) -> None:
    printed = inside("env", "--help").out

    for shell in SHELLS:
        assert re.search(rf"\b{shell}\b.*:  ", printed, re.IGNORECASE) or shell == "dash", shell


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export A='it'\"'\"'s $(x) `y` \"z\" \\'"),
        ("fish", r"set --global --export A 'it\'s $(x) `y` " + r'"z" \\' + "';"),
        ("powershell", "$Env:A = 'it''s $(x) `y` \"z\" \\'"),
        ("csh", "setenv A 'it'\\''s $(x) `y` \"z\" \\';"),
    ],
)
def test_values_are_never_executed(shell: str, line: str) -> None:
    assert lines(shell, {"A": 'it\'s $(x) `y` "z" \\'}, ())[0] == line


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("zsh", "unset AWS_REGION"),
        ("fish", "set --erase AWS_REGION;"),
        ("powershell", "Remove-Item Env:AWS_REGION -ErrorAction SilentlyContinue"),
    ],
)
def test_unset_removes_our_variables_without_calling_the_portal(
    inside: Inside, shell: str, line: str
) -> None:
    ran = inside("env", "--unset", "--shell", shell, DAYPASS_HOST="", DAYPASS_TOKEN="")

    assert ran.code == 0
    assert line in ran.out.splitlines()
    assert len([word for word in ran.out.split() if word.strip(";").endswith(VARIABLES)]) == len(VARIABLES)


def test_github_actions_masks_the_printed_keys(inside: Inside) -> None:
    ran = inside(*DEV, GITHUB_ACTIONS="true")

    assert "::add-mask::canary-secret-key\n" in ran.err
    assert "add-mask" not in ran.out


def test_the_endpoint_prints_its_address_and_stops_on_a_signal(daypass: Command) -> None:
    serving = daypass.start("serve-credentials", "--tenant", "dev01", "--output", "json")
    assert serving.stdout is not None
    printed = json.loads(serving.stdout.readline())

    serving.terminate()
    out, err = serving.communicate(timeout=60)

    assert (serving.returncode, out) == (0, "")
    assert printed.keys() == {
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        *("AWS_REGION", "AWS_DEFAULT_REGION"),
    }
    assert printed["AWS_CONTAINER_AUTHORIZATION_TOKEN"] not in err
    assert not daypass.cache.exists()


def test_a_shell_reads_the_variables_of_a_background_endpoint(daypass: Command) -> None:
    script = (
        'eval "$(daypass serve-credentials --tenant dev01 --output bash 2>/dev/null & echo "pid=$!")"; '
        'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; kill $pid'
    )

    ran = subprocess.run(
        ["sh", "-c", script],
        env=daypass.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout.startswith("http://127.0.0.1:"), ran.stderr


def test_a_port_in_use_is_named(inside: Inside) -> None:
    port = str(inside.portal.port)

    ran = inside("serve-credentials", "--tenant", "dev01", "--port", port)

    assert ran.code == 2
    assert f"Port {port}" in ran.err


def read_fish(text: str) -> str:
    """Return the value of a single-quoted fish string, with backslash escapes for itself and the quote."""
    assert re.fullmatch(r"'(?:[^'\\]|\\\\|\\')*'", text)
    return re.sub(r"\\([\\'])", r"\1", text[1:-1])


def read_powershell(text: str) -> str:
    """Return the value of a single-quoted PowerShell string, where any doubled single quote means one."""
    quotes = "'\u2018\u2019\u201a\u201b"
    assert re.fullmatch(rf"'(?:[^{quotes}]|[{quotes}]{{2}})*'", text)
    return re.sub(rf"([{quotes}])[{quotes}]", r"\1", text[1:-1])


HOSTILE = "x';touch pwned;$(touch pwned)\\\u2019; touch pwned \u2018\n`touch pwned`"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example(HOSTILE)
@settings(max_examples=50)
def test_every_shell_reads_a_value_unchanged(value: str) -> None:
    fish, *_ = lines("fish", {"A": value}, ())
    (powershell,) = lines("powershell", {"A": value}, ())
    (posix,) = lines("bash", {"A": value}, ())

    printed = subprocess.run(["sh", "-c", f'{posix}\nprintf %s "$A"'], capture_output=True, check=True).stdout

    assert printed.decode() == value
    assert read_fish(fish.removeprefix("set --global --export A ").removesuffix(";")) == value
    assert read_powershell(powershell.removeprefix("$Env:A = ")) == value
