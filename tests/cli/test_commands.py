"""The command as a whole: its help, its wings, completion, and how it ends when it is itself at fault."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.cli.app import OURS, run
from daypass.cli.credentials import github_actions
from daypass.cli.lazy_group import load
from daypass.cli.runtime.errors import EXIT_CODES
from daypass.main import WINGS, now
from tests.cli.conftest import SCRIPT, TOKEN, Command, Inside
from tests.cli.sign_in import SignInPortal, leave_sign_in

DEV = ("aws", "--tenant", "dev01")


def imported(home: Path, *words: str, **environment: str) -> set[str]:
    """The modules that Python says it loads for this command line."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT, *words],
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if "import time:" in line}


def test_a_cached_answer_loads_nothing_but_a_handful_of_modules(daypass: Command) -> None:
    daypass(*DEV)
    bare = {
        line.rpartition("|")[2].strip()
        for line in subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "pass"], capture_output=True, text=True, check=True
        ).stderr.splitlines()
    }

    more = imported(daypass.home, *DEV, **daypass.environment()) - bare

    own = {"daypass", "daypass.main", "daypass.cli"} | {
        f"daypass.cli.{name}"
        for name in ("cache", "cache.entries", "cache.request", "runtime", "runtime.digest", "runtime.errors")
    }
    assert more - own <= {"_sha2", "_sha256"}


WEIGHTY = {
    "click",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "pathlib",
    "secrets",
    "traceback",
    "typing",
}
"""What takes so long to load that it may not stand between whoever waits for keys and the portal."""


@pytest.mark.parametrize("words", [DEV, ("jit", *DEV)], ids=" ".join)
def test_fresh_keys_wait_for_no_module_that_takes_long_to_load(
    daypass: Command, words: tuple[str, ...]
) -> None:
    modules = imported(daypass.home, *words, **daypass.environment())

    assert "daypass.cli.api.client" in modules
    assert modules & (WEIGHTY | {"daypass.cli.auth.login_flow", "daypass.cli.auth.oauth_client"}) == set()


def test_a_renewed_sign_in_waits_for_none_of_them_either(daypass: Command) -> None:
    portal = SignInPortal(daypass.portal)
    portal.pushed.append({"scope": "tenants"})
    environment = daypass.environment(DAYPASS_TOKEN="", DAYPASS_STATE_DIR=str(daypass.home / "state"))
    leave_sign_in(environment, daypass.portal.url, token_left=0)

    modules = imported(daypass.home, *DEV, **environment)

    assert portal.refreshed == ["refresh_canary"]
    assert modules & (WEIGHTY | {"daypass.cli.auth.login_flow"}) == set()


def test_the_help_shows_every_command_and_exit_code_without_loading_a_wing(daypass: Command) -> None:
    ran = daypass("--help")
    modules = imported(daypass.home, "--help", **daypass.environment())

    assert ran.code == 0
    for name in (*OURS, *WINGS):
        assert f"\n  {name} " in ran.out
    for code in EXIT_CODES:
        assert f"\n  {code}  " in ran.out
    assert not any(
        module.startswith(("daypass.portal", "daypass.sandbox", "daypass.demo")) for module in modules
    )


JIT = [("jit", name) for name in ("aws", "web", "token", "update_aws_config")]


@pytest.mark.parametrize("words", [*((name,) for name in OURS), *JIT, ("cache", "clear")], ids=" ".join)
def test_every_command_explains_itself_in_lines_that_fit(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run([*words, "--help"], WINGS, now) == 0

    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"Usage: daypass {' '.join(words)}")
    assert max(map(len, said.out.splitlines())) <= 110
    # An example that can be pasted, in every one.
    assert f"daypass {' '.join(words)}" in said.out.partition("\n")[2]


def test_the_version_is_told(daypass: Command) -> None:
    assert daypass("--version").out.startswith("daypass 0.")


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_whose_module_is_missing_says_what_to_install(
    wing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = WINGS[wing][1]

    code = run([wing, "serve"], {wing: ("not_installed_here.commands:command", extra, "")}, now)

    assert code == 6
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"daypass: `daypass {wing}` needs the {extra.replace(',', ' and ')} extra")
    assert "installed (missing: not_installed_here" in said.err
    assert f"pip install '.[{extra}]'" in said.err


def test_a_wing_gets_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    beside = {"beside": ("tests.cli.wing:beside", "extra", "What it is for.")}

    code = run(["beside", "greet", "--name", "dana"], beside, now)

    assert (code, capsys.readouterr().out) == (0, "hello dana\n")


def test_a_fault_of_ours_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    beside = {"beside": ("tests.cli.wing:beside", "extra", "")}

    code = run(["beside", "fail"], beside, now)

    assert code == 1
    assert (
        capsys.readouterr().err
        == "daypass: unexpected: RuntimeError. DAYPASS_DEBUG=1 shows where; please report it.\n"
    )


def test_debugging_shows_where_and_still_no_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = {"beside": ("tests.cli.wing:beside", "extra", "")}
    monkeypatch.setenv("DAYPASS_DEBUG", "1")
    monkeypatch.setenv("DAYPASS_TOKEN", "a_canary_token")

    code = run(["beside", "fail"], beside, now)

    said = capsys.readouterr().err
    assert code == 1
    assert "RuntimeError: no luck with ***" in said
    assert "canary" not in said


ELSEWHERE = """
import sys
sys.platform = {platform!r}
for name in {missing!r}:
    sys.modules[name] = None
sys.argv = ["daypass", *{words!r}]
from daypass.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "words", [[], ["aws", "--tenant", "dev01"], ["--help"], ["portal", "serve"]], ids=" ".join
)
def test_windows_is_told_in_a_sentence_where_it_runs(words: list[str]) -> None:
    missing = ["fcntl", "pwd", "grp", "termios", "resource", "click"]

    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(platform="win32", missing=missing, words=words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (6, "")
    assert "WSL" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_completion(daypass: Command, shell: str) -> None:
    ran = daypass("completion", shell)

    assert ran.code == 0
    assert "_DAYPASS_COMPLETE" in ran.out


def test_a_completion_for_no_shell_asks_for_one_in_a_sentence(daypass: Command) -> None:
    ran = daypass("completion")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("daypass: Which shell?")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [(name, *more) for name in OURS for more in ((), ("--nonsense",))],
    ids=" ".join,
)
def test_a_wrong_command_line_is_one_line(inside: Inside, words: tuple[str, ...]) -> None:
    ran = inside(*words, DAYPASS_HOST="", DAYPASS_TOKEN="")

    if ran.code == 2 and not ran.out and "Usage:" not in ran.err:
        assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("daypass ", [*OURS, *WINGS]),
        ("daypass aws --du", ["--duration"]),
        ("daypass jit ", ["aws", "web", "token", "update_aws_config"]),
        ("daypass completion z", ["zsh"]),
    ],
)
def test_words_are_completed(daypass: Command, line: str, completions: list[str]) -> None:
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_DAYPASS_COMPLETE": "bash_complete"}

    ran = daypass(**asked)

    assert {word.partition(",")[2] for word in ran.out.splitlines()} == set(completions)


def test_who_reads_no_more_is_told_nothing(daypass: Command) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run(
        [SCRIPT, *DEV], env=daypass.environment(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (1, b"")


def test_a_terminal_is_told_what_takes_long(daypass: Command) -> None:
    daypass.portal.may_answer.clear()
    terminal, replica = pty.openpty()
    command = subprocess.Popen(
        [SCRIPT, *DEV], env=daypass.environment(), stdout=subprocess.PIPE, stderr=replica, text=True
    )

    told = os.read(terminal, 200).decode()
    daypass.portal.may_answer.set()
    out, _ = command.communicate(timeout=60)
    os.close(replica)
    os.close(terminal)

    assert told == f"daypass: Asking {daypass.portal.url} for tenant dev01 …\r\n"
    assert out.startswith('{"Version": 1')


def test_what_the_help_shows_of_a_command_is_what_it_says_of_itself() -> None:
    for name, (place, short) in OURS.items():
        command = load(place)
        assert (command.name, command.get_short_help_str(200)) == (name, short)


def test_github_actions_hides_the_keys_and_stdout_is_as_ever(daypass: Command) -> None:
    fresh, kept = (daypass(*DEV, GITHUB_ACTIONS="true") for _ in range(2))

    assert fresh.out == kept.out
    keys = json.loads(kept.out)
    masks = [f"::add-mask::{keys[name]}" for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    assert fresh.err.splitlines() == kept.err.splitlines() == masks


@pytest.mark.parametrize(
    ("words", "secrets"),
    [
        (DEV, ["canary-secret-key", "canary-session-token"]),
        (("env", "--tenant", "dev01"), ["canary-secret-key", "canary-session-token"]),
        (("exec", "--tenant", "dev01", "--", "env"), ["canary-secret-key", "canary-session-token"]),
        (("token",), [TOKEN]),
        (
            ("web", "--tenant", "dev01", "--print"),
            ["https://signin.aws.example/federation?canary-console-link-1"],
        ),
    ],
)
def test_on_github_no_secret_is_anywhere_before_all_of_them_are_hidden(
    daypass: Command, words: tuple[str, ...], secrets: list[str]
) -> None:
    one_stream = subprocess.run(
        [SCRIPT, *words],
        env=daypass.environment(GITHUB_ACTIONS="true"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout.splitlines()

    lines_with_masks = [line for line in one_stream if line.startswith("::add-mask::")]
    assert one_stream[: len(lines_with_masks)] == lines_with_masks
    for secret in secrets:
        assert f"::add-mask::{secret}" in lines_with_masks
        assert any(secret in line for line in one_stream[len(lines_with_masks) :])


def test_github_reads_a_percent_sign_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    github_actions.mask(["https://a.example/?to=%2525"], {"GITHUB_ACTIONS": "true"})

    assert capsys.readouterr().err == "::add-mask::https://a.example/?to=%252525\n"
