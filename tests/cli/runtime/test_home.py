"""Without a home directory credentials are issued uncached, and no file is written anywhere."""

import json
import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.common.home import expand_user, home_directory
from tests.cli.conftest import SCRIPT, TOKEN, Command, Ran, search_path
from tests.cli.stub import StubPortal
from tests.processes import as_unknown_user


@dataclass(frozen=True)
class Homeless:
    """Runs `daypass` as a user without a home directory, in a folder that the user may write to."""

    folder: Path
    portal: StubPortal

    def __call__(self, *words: str, **more: str) -> Ran:
        base = {"DAYPASS_HOST": self.portal.url, "DAYPASS_TOKEN": TOKEN, "PATH": search_path(), "CI": "true"}
        done = subprocess.run(
            as_unknown_user([SCRIPT, *words], {**base, **more}),
            cwd=self.folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def homeless(tmp_path: Path, portal: StubPortal) -> Homeless:
    folder = tmp_path / "work"
    folder.mkdir()
    folder.chmod(0o777)
    return Homeless(folder, portal)


def test_credentials_are_printed_uncached_with_one_message(homeless: Homeless) -> None:
    ran = homeless("aws", "--tenant", "dev01")

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["AccessKeyId"].startswith("ASIA")
    assert ran.err == (
        "daypass: The keys are not cached: there is no home directory; set HOME or DAYPASS_CACHE_DIR.\n"
    )
    assert list(homeless.folder.iterdir()) == []


@pytest.mark.parametrize("home", ["", "relative/home"])
def test_a_relative_home_counts_as_missing(homeless: Homeless, home: str) -> None:
    ran = homeless("aws", "--tenant", "dev01", HOME=home, XDG_CACHE_HOME="also/relative")

    assert ran.code == 0, ran.err
    assert ran.err.count("\n") == 1
    assert list(homeless.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["configure", "--tenant", "dev01"],
            6,
            "~/.aws/config is in a home directory, and there is none here",
        ),
        (
            ["login"],
            6,
            "A sign-in cannot be stored here: there is no home directory; set HOME or DAYPASS_STATE",
        ),
        (["logout"], 6, "A sign-in cannot be stored here"),
        (["whoami"], 0, ""),
        (["cache", "clear"], 0, "0 cached answers removed"),
        (["aws", "--tenant", "dev01", "--token-file", "~/token"], 6, "~/token is in a home directory"),
        (["aws", "--tenant", "dev01", "--host", "h.example", "--ca-file", "~/ca.pem"], 6, "~/ca.pem is in a"),
    ],
)
def test_commands_report_the_missing_home_only_if_they_need_it(
    homeless: Homeless, words: list[str], code: int, said: str
) -> None:
    ran = homeless(*words)

    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert list(homeless.folder.iterdir()) == []


def test_a_sign_in_that_cannot_be_stored_is_not_started(homeless: Homeless) -> None:
    ran = homeless("aws", "--tenant", "dev01", DAYPASS_TOKEN="")

    assert ran.code == 6
    assert "takes a token: DAYPASS_TOKEN or --token-file" in ran.err
    assert list(homeless.folder.iterdir()) == []


def test_doctor_reports_the_missing_home(homeless: Homeless) -> None:
    ran = homeless("doctor", PATH="/nowhere")

    assert ran.code == 6
    assert "✗ AWS config: ~/.aws/config is in a home directory, and there is none here. Set HOME" in ran.out
    assert "! cache: keys are not cached: there is no home directory" in ran.out
    assert list(homeless.folder.iterdir()) == []


def test_explicit_paths_replace_the_home_directory(homeless: Homeless) -> None:
    config = homeless.folder / "config"
    keys = homeless.folder / "keys"

    written = homeless(
        "configure",
        "--tenant",
        "dev01",
        "--token",
        TOKEN,
        AWS_CONFIG_FILE=str(config),
        XDG_CONFIG_HOME=str(keys),
    )
    kept = homeless("aws", "--tenant", "dev01", DAYPASS_CACHE_DIR=str(keys / "cache"))

    assert (written.code, kept.code, kept.err) == (0, 0, "")
    assert "[profile dev01]" in config.read_text()
    assert len(list((keys / "cache").glob("*.keys"))) == 1
    assert sorted(path.name for path in homeless.folder.iterdir()) == ["config", "keys"]


def test_a_tilde_in_a_daypass_variable_is_expanded(daypass: Command) -> None:
    daypass("aws", "--tenant", "dev01", DAYPASS_CACHE_DIR="~/elsewhere")

    assert len(list((daypass.home / "elsewhere").glob("*.keys"))) == 1


@pytest.mark.parametrize(
    ("path", "environment", "full"),
    [
        ("~/.cache", {"HOME": "/home/dana"}, "/home/dana/.cache"),
        ("~/.cache", {"HOME": "/home/dana/"}, "/home/dana/.cache"),
        ("~", {"HOME": "/"}, "/"),
        ("~/x", {"HOME": "/"}, "/x"),
        ("~root", {"HOME": "/home/dana"}, "/root"),
        ("~nobody-has-this-name/x", {"HOME": "/home/dana"}, None),
        ("plain/path", {}, "plain/path"),
        ("/absolute/~", {}, "/absolute/~"),
    ],
)
def test_a_leading_tilde_is_expanded(path: str, environment: Mapping[str, str], full: str | None) -> None:
    assert expand_user(path, environment) == full


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_usable_home_variable_the_passwd_entry_is_used(environment: Mapping[str, str]) -> None:
    assert home_directory(environment) == pwd.getpwuid(os.getuid()).pw_dir
