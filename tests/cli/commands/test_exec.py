"""`daypass exec`: a command with keys in its environment, which otherwise runs as if started directly."""

import json
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPT, Command
from tests.cli.stub import StubPortal
from tests.waiting import wait_until

DEV = ("exec", "--tenant", "dev01")
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
ASK = """
import os, sys, urllib.request
from tests.waiting import wait_until
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
request.add_header("Authorization", os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
print(urllib.request.urlopen(request).read().decode())
"""


def test_the_command_s_environment_has_the_keys_and_no_conflicting_variables(daypass: Command) -> None:
    ran = daypass(
        *(*DEV, "--", sys.executable, "-c", SHOW),
        AWS_PROFILE="other",
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/",
        MINE="kept",
    )

    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found["AWS_ACCESS_KEY_ID"] == "ASIA0000000000000001"
    assert found["AWS_SECRET_ACCESS_KEY"] == "canary-secret-key"
    assert found["AWS_SESSION_TOKEN"] == "canary-session-token"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-west-2"
    assert found["AWS_CREDENTIAL_EXPIRATION"].endswith("Z")
    assert "AWS_PROFILE" not in found
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in found
    assert found["MINE"] == "kept"


def test_options_after_the_command_belong_to_it(daypass: Command) -> None:
    ran = daypass(*DEV, "printf", "%s|", "--tenant", "--help", "a b", "--")

    assert ran.out == "--tenant|--help|a b|--|"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", -15)])
@pytest.mark.parametrize("way", [(), ("--serve",)])
def test_the_exit_code_is_the_command_s(
    daypass: Command, script: str, code: int, way: tuple[str, ...]
) -> None:
    assert daypass(*DEV, *way, "--", "sh", "-c", script).code == code


def test_a_missing_or_not_executable_command_is_named(daypass: Command, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()

    missing = daypass(*DEV, "--", "no-such-command")
    plain = daypass(*DEV, "--", str(tmp_path / "plain"))

    assert (missing.code, plain.code) == (127, 126)
    assert "no-such-command" in missing.err


def test_a_refusal_starts_no_command(daypass: Command) -> None:
    ran = daypass(*DEV, "--", "echo", "ran", DAYPASS_HOST="http://127.0.0.1:1")

    assert (ran.code, ran.out) == (5, "")


@pytest.mark.parametrize("way", [(), ("--serve",)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_command(daypass: Command, number: signal.Signals, way: tuple[str, ...]) -> None:
    heard = f"trap 'echo heard; exit 7' {number.value}; echo ready; while :; do sleep 0.01; done"
    command = daypass.start(*DEV, *way, "--", "sh", "-c", heard)
    assert command.stdout is not None
    assert command.stdout.readline() == "ready\n"

    command.send_signal(number)
    out, _ = command.communicate(timeout=60)

    assert (out, command.returncode) == ("heard\n", 7)


def test_a_command_ends_at_a_closed_pipe_as_in_a_shell(daypass: Command) -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$0" exec --tenant dev01 -- yes | head -n 1', SCRIPT],
        env=daypass.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout.startswith("y\n")
    assert ran.stderr == ""


def test_serve_gives_the_command_an_endpoint_and_no_keys(daypass: Command) -> None:
    ran = daypass(*DEV, "--serve", "--", sys.executable, "-c", SHOW + "\n" + ASK)

    assert (ran.code, ran.err) == (0, "")
    environment, answer = (json.loads(line) for line in ran.out.splitlines())
    assert "AWS_ACCESS_KEY_ID" not in environment
    assert environment["AWS_REGION"] == "us-west-2"
    assert answer["AccessKeyId"] == "ASIA0000000000000001"
    assert not daypass.cache.exists()


def test_the_endpoint_ends_with_the_command(daypass: Command) -> None:
    show = "import os; print(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'])"

    ran = daypass(*DEV, "--serve", "--", sys.executable, "-c", show)

    wait_until(lambda: is_refused(ran.out.strip()))


def test_the_endpoint_holds_no_pipe_of_the_command_open(daypass: Command) -> None:
    command = subprocess.Popen(
        [SCRIPT, *DEV, "--serve", "--", "sh", "-c", "exec >&- 2>&-; read line"],
        env=daypass.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None

    ended, _, _ = select.select([command.stdout], [], [], 60)

    assert ended
    assert command.poll() is None
    command.communicate(b"\n", timeout=60)


def test_the_endpoint_is_not_a_child_of_the_command(daypass: Command) -> None:
    wait = "import os\ntry:\n    os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError:\n    print('none')"

    assert daypass(*DEV, "--serve", "--", sys.executable, "-c", wait).out == "none\n"


def test_the_endpoint_ends_with_a_killed_command(daypass: Command) -> None:
    show = (
        "import os, time; print(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], flush=True); time.sleep(60)"
    )
    command = daypass.start(*DEV, "--serve", "--", sys.executable, "-c", show)
    assert command.stdout is not None
    address = command.stdout.readline().strip()
    assert not is_refused(address)

    command.kill()
    command.communicate(timeout=60)

    wait_until(lambda: is_refused(address))


def test_the_endpoint_renews_keys_while_the_command_runs(daypass: Command, portal: StubPortal) -> None:
    # Keys that expire at once, so that every request gets new ones.
    ran = daypass(*DEV, "--serve", "--", sys.executable, "-c", ASK + ASK, DAYPASS_DEBUG="")
    first, second = (json.loads(line)["AccessKeyId"] for line in ran.out.splitlines())
    assert first == second

    portal.life = portal.life * 0
    ran = daypass(*DEV, "--serve", "--", sys.executable, "-c", ASK + ASK)
    first, second = (json.loads(line)["AccessKeyId"] for line in ran.out.splitlines())
    assert first != second


def is_refused(address: str) -> bool:
    """Return whether connections to the address are refused."""
    try:
        urllib.request.urlopen(address, timeout=60)  # noqa: S310  an address of our own
    except urllib.error.HTTPError:
        return False
    except OSError:
        return True
    return False
