"""The command as a whole: help, command groups, completion, import costs and unexpected errors."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.cli.app import OWN_COMMANDS, run
from daypass.cli.credentials import github_actions
from daypass.cli.lazy_group import load
from daypass.cli.runtime.errors import EXIT_CODES
from daypass.main import EXTRA_COMMANDS, now
from tests.cli.conftest import SCRIPT, TOKEN, Command, Inside
from tests.cli.sign_in import SignInPortal, leave_sign_in

DEV = ("aws", "--tenant", "dev01")


def imported(home: Path, *words: str, **environment: str) -> set[str]:
    """Return the modules that Python imports for this command line."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT, *words],
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if "import time:" in line}


def test_a_cached_answer_imports_only_the_modules_of_the_fast_path(daypass: Command) -> None:
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
        for name in (
            "cache",
            "cache.credentials",
            "cache.files",
            "cache.request",
            "runtime",
            "runtime.digest",
            "runtime.errors",
        )
    }
    assert more - own <= {"_sha2", "_sha256"}


SLOW_MODULES = {
    "click",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "pathlib",
    "secrets",
    "traceback",
    "typing",
}
"""Modules whose import takes too long to delay credentials."""


@pytest.mark.parametrize("words", [DEV, ("jit", *DEV)], ids=" ".join)
def test_new_credentials_import_no_slow_module(daypass: Command, words: tuple[str, ...]) -> None:
    modules = imported(daypass.home, *words, **daypass.environment())

    assert "daypass.cli.api.client" in modules
    assert (
        modules & (SLOW_MODULES | {"daypass.cli.auth.login_flow", "daypass.cli.auth.oauth_client"}) == set()
    )


def test_a_token_refresh_imports_no_slow_module(daypass: Command) -> None:
    portal = SignInPortal(daypass.portal)
    portal.pushed.append({"scope": "tenants"})
    environment = daypass.environment(DAYPASS_TOKEN="", DAYPASS_STATE_DIR=str(daypass.home / "state"))
    leave_sign_in(environment, daypass.portal.url, token_left=0)

    modules = imported(daypass.home, *DEV, **environment)

    assert portal.refreshed == ["refresh_canary"]
    assert modules & (SLOW_MODULES | {"daypass.cli.auth.login_flow"}) == set()


def test_help_lists_all_commands_and_exit_codes_without_importing_the_portal(daypass: Command) -> None:
    ran = daypass("--help")
    modules = imported(daypass.home, "--help", **daypass.environment())

    assert ran.code == 0
    for name in (*OWN_COMMANDS, *EXTRA_COMMANDS):
        assert f"\n  {name} " in ran.out
    for code in EXIT_CODES:
        assert f"\n  {code}  " in ran.out
    assert not any(
        module.startswith(("daypass.portal", "daypass.sandbox", "daypass.demo")) for module in modules
    )


JIT = [("jit", name) for name in ("aws", "web", "token", "update_aws_config")]


@pytest.mark.parametrize(
    "words", [*((name,) for name in OWN_COMMANDS), *JIT, ("cache", "clear")], ids=" ".join
)
def test_the_help_of_every_command_has_an_example_and_short_lines(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run([*words, "--help"], EXTRA_COMMANDS, now) == 0

    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith(f"Usage: daypass {' '.join(words)}")
    assert max(map(len, captured.out.splitlines())) <= 110
    # Each help text contains an example that the user can paste.
    assert f"daypass {' '.join(words)}" in captured.out.partition("\n")[2]


def test_the_version_option_prints_the_version(daypass: Command) -> None:
    assert daypass("--version").out.startswith("daypass 0.")


@pytest.mark.parametrize("name", EXTRA_COMMANDS)
def test_a_command_group_with_a_missing_module_says_what_to_install(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = EXTRA_COMMANDS[name][1]

    code = run([name, "serve"], {name: ("not_installed_here.commands:command", extra, "")}, now)

    assert code == 6
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"daypass: `daypass {name}` needs the {extra.replace(',', ' and ')} extra")
    assert "installed (missing: not_installed_here" in captured.err
    assert f"pip install '.[{extra}]'" in captured.err


def test_a_command_group_gets_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    extra = {"extra": ("tests.cli.extra_command:group", "extra", "What it is for.")}

    code = run(["extra", "greet", "--name", "dana"], extra, now)

    assert (code, capsys.readouterr().out) == (0, "hello dana\n")


def test_an_unexpected_error_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    extra = {"extra": ("tests.cli.extra_command:group", "extra", "")}

    code = run(["extra", "fail"], extra, now)

    assert code == 1
    assert (
        capsys.readouterr().err
        == "daypass: unexpected: RuntimeError. DAYPASS_DEBUG=1 shows where; please report it.\n"
    )


def test_the_debug_traceback_contains_no_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"extra": ("tests.cli.extra_command:group", "extra", "")}
    monkeypatch.setenv("DAYPASS_DEBUG", "1")
    monkeypatch.setenv("DAYPASS_TOKEN", "a_canary_token")

    code = run(["extra", "fail"], extra, now)

    captured = capsys.readouterr().err
    assert code == 1
    assert "RuntimeError: no luck with ***" in captured
    assert "canary" not in captured


SIMULATED_PLATFORM = """
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
def test_on_windows_every_command_refers_to_wsl_in_one_line(words: list[str]) -> None:
    missing = ["fcntl", "pwd", "grp", "termios", "resource", "click"]

    ran = subprocess.run(
        [sys.executable, "-c", SIMULATED_PLATFORM.format(platform="win32", missing=missing, words=words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (6, "")
    assert "WSL" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed_for_each_shell(daypass: Command, shell: str) -> None:
    ran = daypass("completion", shell)

    assert ran.code == 0
    assert "_DAYPASS_COMPLETE" in ran.out


def test_completion_without_a_shell_is_refused_in_one_line(daypass: Command) -> None:
    ran = daypass("completion")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("daypass: Which shell?")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [(name, *more) for name in OWN_COMMANDS for more in ((), ("--nonsense",))],
    ids=" ".join,
)
def test_a_wrong_command_line_is_reported_in_one_line(inside: Inside, words: tuple[str, ...]) -> None:
    ran = inside(*words, DAYPASS_HOST="", DAYPASS_TOKEN="")

    if ran.code == 2 and not ran.out and "Usage:" not in ran.err:
        assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("daypass ", [*OWN_COMMANDS, *EXTRA_COMMANDS]),
        ("daypass aws --du", ["--duration"]),
        ("daypass jit ", ["aws", "web", "token", "update_aws_config"]),
        ("daypass completion z", ["zsh"]),
    ],
)
def test_commands_flags_and_choices_are_completed(
    daypass: Command, line: str, completions: list[str]
) -> None:
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_DAYPASS_COMPLETE": "bash_complete"}

    ran = daypass(**asked)

    assert {word.partition(",")[2] for word in ran.out.splitlines()} == set(completions)


def test_a_closed_pipe_ends_the_command_silently(daypass: Command) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run(
        [SCRIPT, *DEV], env=daypass.environment(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert (ran.returncode, ran.stderr) == (1, b"")


def test_a_slow_call_prints_a_progress_message_on_a_terminal(daypass: Command) -> None:
    daypass.portal.may_answer.clear()
    terminal, replica = pty.openpty()
    command = subprocess.Popen(
        [SCRIPT, *DEV], env=daypass.environment(), stdout=subprocess.PIPE, stderr=replica, text=True
    )

    message = os.read(terminal, 200).decode()
    daypass.portal.may_answer.set()
    out, _ = command.communicate(timeout=60)
    os.close(replica)
    os.close(terminal)

    assert message == f"daypass: Asking {daypass.portal.url} for tenant dev01 …\r\n"
    assert out.startswith('{"Version": 1')


def test_the_command_list_has_the_help_texts_of_the_commands() -> None:
    for name, (location, short) in OWN_COMMANDS.items():
        command = load(location)
        assert (command.name, command.get_short_help_str(200)) == (name, short)


def test_on_github_actions_credentials_are_masked_and_stdout_is_unchanged(daypass: Command) -> None:
    fresh, cached = (daypass(*DEV, GITHUB_ACTIONS="true") for _ in range(2))

    assert fresh.out == cached.out
    keys = json.loads(cached.out)
    masks = [f"::add-mask::{keys[name]}" for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    assert fresh.err.splitlines() == cached.err.splitlines() == masks


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
def test_on_github_actions_all_secrets_are_masked_before_the_first_is_printed(
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


def test_a_percent_sign_is_escaped_in_a_github_mask(capsys: pytest.CaptureFixture[str]) -> None:
    github_actions.mask(["https://a.example/?to=%2525"], {"GITHUB_ACTIONS": "true"})

    assert capsys.readouterr().err == "::add-mask::https://a.example/?to=%252525\n"
