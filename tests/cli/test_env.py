"""`daypass env` and `serve-credentials`: variables in the words of each shell."""

import json
import shutil
import subprocess

import pytest

from daypass.cli.variables import OURS, lines
from tests.cli.conftest import Command, Inside

DEV = ("env", "--tenant", "dev01")


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash"])
def test_a_shell_that_runs_it_has_the_keys_and_forgets_them_again(daypass: Command, shell: str) -> None:
    if shutil.which(shell) is None:
        shell = "sh"
    script = (
        'eval "$(daypass env --shell bash --tenant dev01)"; '
        'echo "$AWS_ACCESS_KEY_ID:$AWS_REGION:$AWS_PROFILE"; '
        'eval "$(daypass env --shell bash --unset)"; '
        'echo "$AWS_ACCESS_KEY_ID:$AWS_REGION"; env | grep -c ^AWS_'
    )

    ran = subprocess.run(
        [shell, "-c", script],
        env=daypass.environment(AWS_PROFILE="other"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout == "ASIA0000000000000001:us-west-2:\n:\n0\n", ran.stderr


@pytest.mark.parametrize(
    ("chosen", "login_shell", "sets"),
    [
        ((), "/bin/bash", "export AWS_REGION=us-west-2"),
        ((), "/usr/bin/zsh", "export AWS_REGION=us-west-2"),
        ((), "/usr/bin/fish", "set --global --export AWS_REGION 'us-west-2';"),
        ((), "", "export AWS_REGION=us-west-2"),
        (("--shell", "fish"), "/bin/bash", "set --global --export AWS_REGION 'us-west-2';"),
        (("--shell", "powershell"), "/bin/bash", "$Env:AWS_REGION = 'us-west-2'"),
    ],
)
def test_each_shell_gets_its_own_words(
    inside: Inside, chosen: tuple[str, ...], login_shell: str, sets: str
) -> None:
    ran = inside(*DEV, *chosen, SHELL=login_shell)

    assert (ran.code, ran.err) == (0, "")
    assert sets in ran.out.splitlines()


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "export A='it'\"'\"'s $(x) `y` \"z\" \\'"),
        ("fish", r"set --global --export A 'it\'s $(x) `y` " + r'"z" \\' + "';"),
        ("powershell", "$Env:A = 'it''s $(x) `y` \"z\" \\'"),
    ],
)
def test_nothing_in_a_value_is_run(shell: str, line: str) -> None:
    assert lines(shell, {"A": 'it\'s $(x) `y` "z" \\'}, ()) == [line]


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("zsh", "unset AWS_REGION"),
        ("fish", "set --erase AWS_REGION;"),
        ("powershell", "Remove-Item Env:AWS_REGION -ErrorAction SilentlyContinue"),
    ],
)
def test_unset_forgets_all_of_ours_and_asks_nobody(inside: Inside, shell: str, line: str) -> None:
    ran = inside("env", "--unset", "--shell", shell, DAYPASS_HOST="", DAYPASS_TOKEN="")

    assert ran.code == 0
    assert line in ran.out.splitlines()
    assert len(ran.out.splitlines()) == len(OURS)


def test_github_actions_hides_what_is_printed(inside: Inside) -> None:
    ran = inside(*DEV, GITHUB_ACTIONS="true")

    assert "::add-mask::canary-secret-key\n" in ran.err
    assert "add-mask" not in ran.out


def test_the_endpoint_tells_where_it_is_and_ends_when_it_is_told_to(daypass: Command) -> None:
    serving = daypass.start("serve-credentials", "--tenant", "dev01", "--output", "json")
    assert serving.stdout is not None
    told = json.loads(serving.stdout.readline())

    serving.terminate()
    out, err = serving.communicate(timeout=60)

    assert (serving.returncode, out) == (0, "")
    assert told.keys() == {
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        *("AWS_REGION", "AWS_DEFAULT_REGION"),
    }
    assert told["AWS_CONTAINER_AUTHORIZATION_TOKEN"] not in err
    assert not daypass.cache.exists()


def test_a_shell_takes_the_variables_of_an_endpoint_that_goes_on_behind_it(daypass: Command) -> None:
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


def test_a_port_that_is_taken_is_named(inside: Inside) -> None:
    port = str(inside.portal.port)

    ran = inside("serve-credentials", "--tenant", "dev01", "--port", port)

    assert ran.code == 2
    assert f"Port {port}" in ran.err
