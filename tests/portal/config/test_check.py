"""`daypass portal config check`: all errors, and the effective configuration without secrets."""

import json
from pathlib import Path
from typing import Any

import pytest

from daypass.portal.config.masking import mask_password
from daypass.portal.config.variables import VARIABLES
from tests.portal.processes import Ended, Operator

CANARY = "canary-canary-canary"


@pytest.fixture
def file(operator: Operator) -> Path:
    path = operator.home / "daypass.toml"
    path.write_text("")
    path.chmod(0o640)
    return path


def check(operator: Operator, file: Path, text: str, *words: str, **environ: str) -> Ended:
    file.write_text(text)
    return operator.run_inside("config", "check", *words, DAYPASS_CONFIG=str(file), **environ)


def values(ended: Ended) -> dict[str, dict[str, Any]]:
    return {value["name"].removeprefix("DAYPASS_"): value for value in json.loads(ended.stdout)["values"]}


def test_each_value_is_printed_with_its_source(operator: Operator, file: Path) -> None:
    token = operator.home / "token"
    token.write_text(CANARY)
    token.chmod(0o400)

    checked = check(
        operator,
        file,
        f"\nstop_timeout = 40\nmetrics_token_file = '{token}'",
        "--format=json",
        DAYPASS_DATABASE_URL=f"postgresql://daypass:{CANARY}@db/daypass",
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    shown = values(checked)
    assert [f"DAYPASS_{name}" for name in shown] == [variable.name for variable in VARIABLES]
    assert {name: [*shown[name].values()][1:] for name in ("STOP_TIMEOUT", "METRICS_TOKEN", "THREADS")} == {
        "STOP_TIMEOUT": ["40", "file", str(file), 2, True],
        "METRICS_TOKEN": ["set", "secret file", str(token), None, True],
        "THREADS": ["4", "environment", None, None, True],
    }
    assert shown["LOG_LEVEL"]["source"] == "default"
    assert shown["DATABASE_URL"]["value"] == "postgresql://daypass:***@db/daypass"
    assert CANARY not in checked.stdout


def test_defaults_that_depend_on_other_values_are_printed(operator: Operator, file: Path) -> None:
    shown = values(check(operator, file, "", "--format=json", DAYPASS_DATABASE_URL=""))

    assert shown["DATABASE_URL"]["value"] == f"sqlite:///{operator.home}/.local/state/daypass/daypass.db"
    assert shown["PUBLIC_URL"]["value"] == "http://127.0.0.1:0"
    assert shown["AWS_SIGNIN_URL"]["value"] == operator.environment["DAYPASS_AWS_ENDPOINT_URL"]


def test_all_errors_of_all_sources_are_printed(operator: Operator, file: Path) -> None:
    checked = check(
        operator,
        file,
        "thread = 1\nlog_level = 'loud'",
        DAYPASS_THREADS="0",
        DAYPASS_TRACE="true",
        DAYPASS_METRICS_TOKEN_FILE="/nowhere",
        DAYPASS_AWS_REGION="us-est-1",
        DAYPASS_NEWER="x",
    )

    errors = [line.split()[1] for line in checked.stdout.splitlines() if line.startswith("✗")]
    assert errors == [
        "DAYPASS_TRACE",
        "thread",
        "DAYPASS_THREADS",
        "DAYPASS_METRICS_TOKEN_FILE:",
        "log_level",
        "DAYPASS_AWS_REGION:",
    ]
    assert checked.returncode == 1
    assert "! DAYPASS_NEWER is not a variable of this version." in checked.stdout
    assert checked.stdout.endswith("\n6 errors.\n")
    assert "DAYPASS_LOG_LEVEL            (invalid)" in checked.stdout


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({"DAYPASS_DATABASE_URL": "mysql://u:p@h/d"}, "DAYPASS_DATABASE_URL has an invalid value."),
        ({"DAYPASS_TLS_CERTIFICATE": "{pem}", "DAYPASS_TLS_KEY": "{pem}"}, "are no certificate with its"),
        ({"DAYPASS_CONFIG": "/nowhere.toml"}, "/nowhere.toml cannot be read (No such file or directory)."),
    ],
    ids=["scheme", "certificate", "file"],
)
def test_a_configuration_with_which_serve_would_not_start_is_invalid(
    operator: Operator, environ: dict[str, str], error: str
) -> None:
    pem = operator.home / "x.pem"
    pem.write_text("")
    given = {name: value.format(pem=pem) for name, value in environ.items()}

    checked = operator.run_inside("config", "check", **given)
    served = operator.run_inside("serve", **given)

    assert (checked.returncode, served.returncode) == (1, 1)
    assert error in checked.stdout
    assert checked.stdout.endswith("\n1 error.\n")
    assert error in served.stderr


def test_a_database_url_that_is_ambiguous_is_invalid(operator: Operator, file: Path) -> None:
    checked = check(operator, file, "", DAYPASS_DATABASE_URL=f"postgresql://u:{CANARY}@a@h/d")

    assert (checked.returncode, "write an @ in the password as %40" in checked.stdout) == (1, True)
    assert CANARY not in checked.stdout


def test_a_file_that_cannot_be_parsed_hides_no_error_of_the_environment(
    operator: Operator, file: Path
) -> None:
    checked = check(operator, file, "x", DAYPASS_THREADS="0", DAYPASS_AWS_REGION="")

    errors = [line for line in checked.stdout.splitlines() if line.startswith("✗")]
    assert [error.split()[1].rstrip(",") for error in errors] == [str(file), "DAYPASS_THREADS"]


@pytest.mark.parametrize("is_in_file", [True, False], ids=["file", "environment"])
def test_no_invalid_value_is_printed(operator: Operator, file: Path, is_in_file: bool) -> None:
    # These take any text.
    any_text = {"DAYPASS_EXTRA_REGIONS", "DAYPASS_CONTACT"}
    tried = [variable for variable in VARIABLES if variable.name not in any_text]
    stated = dict.fromkeys(tried, f"x:{CANARY}:")
    lines = "".join(f"{variable.key} = '{text}'\n" for variable, text in stated.items())
    if is_in_file:
        unset = {variable.name: "" for variable in tried if variable.name != "DAYPASS_CONFIG"}
        checked = check(operator, file, lines, **unset)
    else:
        checked = operator.run_inside(
            "config", "check", **{variable.name: text for variable, text in stated.items()}
        )

    assert checked.returncode == 1
    assert checked.stdout.count("(invalid)") > 10
    assert CANARY not in checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/a@b/daypass.db", "sqlite:////var/lib/a@b/daypass.db"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://u:p@[::1]:5432/d", "postgresql://u:***@[::1]:5432/d"),
        ("postgresql://u:12345@h1,h2/d?sslmode=require", "postgresql://u:***@h1,h2/d?sslmode=require"),
        ("postgresql:///d?user=u&password=p&x", "postgresql:///d?user=u&password=***&***"),
        ("postgresql://u:p@p@h/d", "postgresql://***"),
        ("postgresql://u:p/p@h/d", "postgresql://***"),
        ("postgresql://u:p?p@h/d", "postgresql://***"),
        ("postgresql://u:p#p@h/d", "postgresql://***"),
        ("postgresql://h:password", "postgresql://***"),
        ("postgresql://u@h/d?password=p@q", "postgresql://***"),
        ("sqlite:///x?key=p", "sqlite:///x?key=***"),
        ("p", "set"),
    ],
)
def test_the_password_of_a_database_url_is_masked(url: str, shown: str) -> None:
    assert mask_password(url) == shown
