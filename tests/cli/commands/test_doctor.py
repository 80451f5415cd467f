"""`daypass doctor`: findings about this machine and the portal, each with its fix."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest

from daypass.cli.commands.doctor import run_concurrently
from daypass.cli.diagnostics.finding import Finding, State, good, run_check
from daypass.cli.runtime.errors import Unavailable
from tests.cli.conftest import TOKEN, Command, Inside, Ran
from tests.cli.stub import StubPortal, problem
from tests.tls import Authority


def findings_by_subject(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    """Return the findings by subject."""
    by: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(ran.out):
        by.setdefault(finding["about"], []).append(finding)
    return by


def aws_cli(inside: Inside, version_text: str) -> dict[str, str]:
    """Return an environment with an AWS CLI that prints *version_text* as its version."""
    folder = inside.home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "aws"
    # A byte that is not UTF-8, as on a machine with another locale.
    program.write_text(f"#!/bin/sh\necho '{version_text}'\n", encoding="latin-1")
    program.chmod(0o700)
    ours = folder / "daypass"
    ours.write_text("#!/bin/sh\n")
    ours.chmod(0o700)
    return {"PATH": str(folder)}


@pytest.fixture
def well(inside: Inside) -> dict[str, str]:
    """The environment of a correctly configured machine."""
    inside("configure", "--tenant", "dev01")
    inside("aws", "--tenant", "dev01")
    return aws_cli(inside, "aws-cli/2.31.0 Python/3.13")


def test_a_correct_set_up_has_good_findings_only(inside: Inside, well: dict[str, str]) -> None:
    ran = inside("doctor", **well)

    assert ran.code == 0
    assert {line[0] for line in ran.out.splitlines()} == {"✓"}
    for version_text in ("9.8.7", "dana@example.com", "version 2.31.0", "1 profile of ours", "private"):
        assert version_text in ran.out
    assert TOKEN not in ran.out


def test_json_lists_the_portal_checks_first_whichever_check_ends_first(
    inside: Inside, well: dict[str, str]
) -> None:
    about = list(findings_by_subject(inside("doctor", "-o", "json", **well)))

    assert about[0] == "portal"
    assert about.index("sign-in") < about.index("AWS CLI")


def config(content: str) -> Callable[[Inside], None]:
    def write(inside: Inside) -> None:
        inside.config.write_text(content)

    return write


def loosen(path: str, mode: int) -> Callable[[Inside], None]:
    return lambda inside: (inside.home / path).chmod(mode)


def tear(inside: Inside) -> None:
    (entry,) = (inside.home / ".cache" / "daypass").glob("*.keys")
    entry.write_text("torn")


def in_credentials(setting: str) -> Callable[[Inside], None]:
    def write(inside: Inside) -> None:
        (inside.home / ".aws" / "credentials").write_text(f"[dev01]\n{setting}\n")

    return write


PROFILE = "[profile x]\ncredential_process = "


DAYPASS = PROFILE + "daypass aws --host h --admin "


@pytest.mark.parametrize(
    ("harm", "about", "sentence", "mend"),
    [
        (
            config(PROFILE + "daypass jit aws --admin --token canary1234567"),
            *("AWS config", "holds a token", "daypass configure --admin --profile x"),
        ),
        (
            config(PROFILE + "duploctl jit aws --admin -t canary1234567"),
            *("AWS config", "holds a token", "daypass configure"),
        ),
        (config(PROFILE + "/no/such/daypass aws"), "AWS config", "does not exist", "config"),
        (config(PROFILE + "daypass aws --tenant 'x"), "AWS config", "open quote", "config"),
        (config("[x]\ncredential_process = daypass aws"), "AWS config", "not a profile", "[profile x]"),
        (
            config("[ profile x ]\ncredential_process = daypass aws"),
            *("AWS config", "[ profile x ] in", "write it as [profile x]:"),
        ),
        (config(DAYPASS + "\nsso_role_name = Reader"), "AWS config", "sso_role_name", "config"),
        (config(DAYPASS + "\n[profile 'x']\n"), "AWS config", "only the later section counts", "config"),
        (config("\ufeff" + DAYPASS), "AWS config", "line 1: it begins with a byte order mark", "sed -i"),
        (config(DAYPASS + "\nregion\n"), "AWS config", "line 3: it is not of the form", "Correct or remove"),
        (in_credentials("role_arn = arn:aws:iam::1:role/x"), "AWS config", "has role_arn in", "credentials"),
        (in_credentials("no value"), "AWS config", "credentials, line 2: it is not of", "Correct or remove"),
        (config(DAYPASS + "\n[profile x]\n"), "AWS config", "twice", "Join the two sections"),
        (config(DAYPASS + "--token-file /nowhere"), "token file", "/nowhere", "ls -l"),
        (
            in_credentials("aws_access_key_id = AKIA"),
            "AWS config",
            "which AWS tools prefer",
            "credentials",
        ),
        (loosen(".cache/daypass", 0o755), "cache", "others may read", "chmod 700"),
        (tear, "cache", "damaged", "daypass cache clear"),
    ],
)
def test_each_problem_of_the_machine_is_found_with_its_fix(
    inside: Inside,
    well: dict[str, str],
    harm: Callable[[Inside], None],
    about: str,
    sentence: str,
    mend: str,
) -> None:
    harm(inside)

    ran = inside("doctor", "--output", "json", **well)

    found = [finding for finding in findings_by_subject(ran)[about] if finding["state"] == "bad"]
    assert any(sentence in finding["sentence"] and mend in finding["mend"] for finding in found), found
    assert ran.code == 6
    assert "canary" not in ran.out + ran.err


def test_a_profile_that_some_programs_cannot_run_is_notable(inside: Inside, well: dict[str, str]) -> None:
    config(PROFILE + "daypass aws --host h --admin")(inside)

    (finding,) = findings_by_subject(inside("doctor", "-o", "json", **well))["AWS config"]

    assert (finding["state"], "services, IDEs" in finding["sentence"]) == ("notable", True)


def test_a_token_file_readable_by_others_is_found(
    inside: Inside, well: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    config(PROFILE + f"daypass aws --host h --admin --token-file {file}")(inside)

    (finding,) = findings_by_subject(inside("doctor", "-o", "json", **well))["token file"]

    assert (finding["state"], finding["mend"]) == ("bad", f"chmod 600 {file}")


@pytest.mark.parametrize(
    ("version_text", "state"),
    [
        ("aws-cli/2.9.19 Python/3.11.2", "notable"),
        ("aws-cli/2.13.0 Python/3.11", "good"),
        ("aws-cli/1.28.9 Python/3.11", "notable"),
        ("aws-cli/1.46.3 Python/3.11", "good"),
        ("nonsense", "notable"),
        ("aws-cli/2.31.0 Python/3.13 Büro", "good"),
    ],
)
def test_an_aws_cli_without_endpoint_settings_is_notable(
    inside: Inside, well: dict[str, str], version_text: str, state: str
) -> None:
    aws_cli(inside, version_text)

    (finding,) = findings_by_subject(inside("doctor", "-o", "json", **well))["AWS CLI"]

    assert finding["state"] == state


def test_a_missing_aws_cli_and_keys_in_the_environment_are_notable_but_no_failure(
    inside: Inside, well: dict[str, str]
) -> None:
    (inside.home / "bin" / "aws").unlink()

    ran = inside("doctor", "-o", "json", AWS_ACCESS_KEY_ID="AKIA", **well)

    assert ran.code == 0
    assert findings_by_subject(ran)["AWS CLI"][0]["state"] == "notable"
    assert "daypass env --unset" in findings_by_subject(ran)["environment"][0]["mend"]


@pytest.mark.parametrize(("minutes", "direction"), [(-10, "ahead of"), (10, "behind")])
def test_a_wrong_clock_is_found(
    inside: Inside, portal: StubPortal, well: dict[str, str], minutes: int, direction: str
) -> None:
    portal.clock_error = timedelta(minutes=minutes)

    (finding,) = findings_by_subject(inside("doctor", "-o", "json", **well))["clock"]

    assert finding["state"] == "bad"
    assert f"10 minutes {direction}" in finding["sentence"]


def test_a_token_that_is_refused_is_found(inside: Inside, portal: StubPortal, well: dict[str, str]) -> None:
    refuse = problem(401, "unauthenticated", f"Not {TOKEN}.")
    portal.reply = lambda asked: refuse(asked) if asked.path == "/api/v1/me" else portal.usual(asked)

    ran = inside("doctor", **well)

    assert ran.code == 6
    assert "✗ sign-in: " in ran.out
    assert TOKEN not in ran.out + ran.err


def test_a_missing_sign_in_is_found_without_starting_one(
    inside: Inside, portal: StubPortal, well: dict[str, str]
) -> None:
    ran = inside("doctor", DAYPASS_TOKEN="", BROWSER="false", **well)

    assert ran.code == 6
    assert "✗ sign-in: not signed in.\n" in ran.out
    assert f"    daypass login --host {portal.url}\n" in ran.out
    assert "/oauth/par" not in [asked.path for asked in portal.requests]


def test_an_unreachable_portal_is_found(inside: Inside, well: dict[str, str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = inside("doctor", DAYPASS_HOST=f"http://127.0.0.1:{unused.getsockname()[1]}", **well)
    unknown = inside("doctor", DAYPASS_HOST="https://portal.invalid", **well)
    unnamed = inside("doctor", DAYPASS_HOST="", **well)

    assert {refused.code, unknown.code, unnamed.code} == {6}
    assert "✗ connection: Nothing listens" in refused.out
    assert "✗ name: portal.invalid has no address" in unknown.out
    assert "export DAYPASS_HOST=" in unnamed.out


def test_certificates_are_checked(inside: Inside, well: dict[str, str], authority: Authority) -> None:
    secure = StubPortal(authority.server)
    try:
        unknown = inside("doctor", DAYPASS_HOST=secure.url, **well)
        known = findings_by_subject(
            inside(
                "doctor", "-o", "json", "--ca-file", str(authority.ca_file), DAYPASS_HOST=secure.url, **well
            )
        )
    finally:
        secure.close()

    assert "✗ connection: The certificate of" in unknown.out
    assert "    export DAYPASS_CA_FILE=" in unknown.out
    # The certificate is valid for a day.
    assert known["certificate"][0]["state"] == "notable"
    assert known["sign-in"][0]["state"] == "good"


def test_output_has_no_colour_with_no_color_set(inside: Inside, well: dict[str, str]) -> None:
    assert "\x1b" not in inside("doctor", NO_COLOR="1", **well).out


def read_until(reading: IO[str], words: str) -> None:
    for line in reading:
        if words in line:
            return
    raise AssertionError(f"{words!r} was not version_text")


def test_local_findings_are_printed_while_the_portal_is_slow(daypass: Command, portal: StubPortal) -> None:
    portal.may_answer.clear()
    running = daypass.start("doctor")
    assert running.stdout is not None
    try:
        read_until(running.stdout, "cache")
    finally:
        portal.may_answer.set()
    read_until(running.stdout, "sign-in")
    running.communicate(timeout=60)


def test_portal_findings_are_printed_while_local_checks_are_slow(daypass: Command, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    os.mkfifo(tmp_path / "pipe")
    program = tmp_path / "bin" / "aws"
    program.write_text(f"#!/bin/sh\ncat '{tmp_path}/pipe'\n")
    program.chmod(0o700)
    environment = daypass.environment()
    environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environment['PATH']}"
    running = daypass.start("doctor", environment=environment)
    assert running.stdout is not None

    read_until(running.stdout, "sign-in")

    (tmp_path / "pipe").write_text("aws-cli/2.31.0 Python/3.13\n")
    read_until(running.stdout, "version 2.31.0")
    running.communicate(timeout=60)


def test_an_error_of_one_check_is_raised() -> None:
    def broken() -> Iterator[Finding]:
        yield good("x", "well")
        raise LookupError

    found = []
    with pytest.raises(LookupError):
        found += [finding for _, finding in run_concurrently([broken()])]


@pytest.mark.parametrize(
    ("fault", "sentence"), [(LookupError("canary"), "LookupError"), (Unavailable("No portal."), "No portal.")]
)
def test_a_check_that_raises_becomes_a_finding(fault: Exception, sentence: str) -> None:
    def broken() -> Iterator[Finding]:
        yield good("x", "well")
        raise fault

    well, failed = run_check("cache", broken)

    assert (well.state, failed.state, failed.about) == (State.GOOD, State.BAD, "cache")
    assert sentence in failed.sentence
    assert "canary" not in failed.sentence
