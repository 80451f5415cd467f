"""Unknown and misspelled DAYPASS_ variables in the environment."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daypass
from daypass.portal.config.variables import VARIABLES, ConfigError
from daypass.portal.unknown_variables import OTHER_PROGRAMS, unknown_names
from tests.portal.processes import Operator

KNOWN = sorted(variable.name for variable in VARIABLES)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DAYPASS_THREAD", "DAYPASS_THREADS"),
        ("DAYPASS_THRAEDS", "DAYPASS_THREADS"),
        ("DAYPASS_THRAED", "DAYPASS_THREADS"),
        ("daypass_threads", "DAYPASS_THREADS"),
        ("DAYPAS_THREADS", "DAYPASS_THREADS"),
        ("DAY_PASS_THREADS", "DAYPASS_THREADS"),
        ("DAYPASS-THREADS", "DAYPASS_THREADS"),
        ("DAYPASS_DATABASE_URI_FILE", "DAYPASS_DATABASE_URL_FILE"),
        ("DAYPASS_METRIC_TOKEN_FILE", "DAYPASS_METRICS_TOKEN_FILE"),
        ("DAYPASS_THREADS_FILE", "DAYPASS_THREADS"),
        ("DAYPASS_DATABASE_URI", "DAYPASS_DATABASE_URL"),
        ("DAYPASS_TLS_KEY_FILE", "DAYPASS_TLS_KEY"),
        ("DAYPASS-TLS-KEY-FILE", "DAYPASS_TLS_KEY"),
        ("DAYPASS_TLS_CERTIFCATE", "DAYPASS_TLS_CERTIFICATE"),
        ("DAYPASS_REQUIRE_ATTRIBUTON", "DAYPASS_REQUIRE_ATTRIBUTION"),
    ],
)
def test_a_misspelled_variable_is_refused_with_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} is not .* Did you mean {meant}\? It takes "):
        unknown_names([*KNOWN, name])


def test_all_misspelled_variables_are_reported_at_once() -> None:
    with pytest.raises(ConfigError, match=r"2 errors:\n    DAYPASS_LISTE is .*\n    DAYPASS_THREAD is "):
        unknown_names(["DAYPASS_THREAD", "DAYPASS_LISTE"])


@given(st.sampled_from(KNOWN), st.data())
def test_a_letter_that_is_missing_is_always_noticed(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(len("DAYPASS_"), len(name) - 1))
    misspelled = name[:place] + name[place + 1 :]

    with pytest.raises(ConfigError, match="Did you mean"):
        unknown_names([misspelled])


def test_the_value_of_a_misspelled_variable_is_not_repeated(operator: Operator) -> None:
    refused = operator.run_inside("serve", DAYPASS_DATABASE_URLS="secret-canary")

    assert refused.returncode == 1
    assert "DAYPASS_DATABASE_URLS is not a variable of the portal" in refused.stderr
    assert "canary" not in refused.stderr


def test_the_files_of_secrets_are_known_and_no_others() -> None:
    files = [f"{name}_FILE" for name in KNOWN if name in {"DAYPASS_DATABASE_URL", "DAYPASS_METRICS_TOKEN"}]

    assert unknown_names([*KNOWN, *files]) == []
    assert unknown_names(["DAYPASS_NEWER_FILE"]) == ["DAYPASS_NEWER_FILE"]


@pytest.mark.parametrize(
    "name", ["DAYPASS_METRICS_ADDRESS", "DAYPASS_OIDC_ISSUER", "DAYPASS_PORT_FORWARDING_RULES", "DAYPASS_X"]
)
def test_an_unknown_daypass_variable_is_a_warning_and_not_an_error(name: str) -> None:
    assert unknown_names([*KNOWN, name, "PATH", "HOME", "DAY"]) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *sorted(OTHER_PROGRAMS),
        "DAYPASS_SERVICE_HOST",
        "DAYPASS_SERVICE_PORT",
        "DAYPASS_SERVICE_PORT_HTTPS",
        "DAYPASS_PORT",
        "DAYPASS_PORT_8443_TCP",
        "DAYPASS_PORT_8443_TCP_PROTO",
        "DAYPASS_PORT_8443_TCP_PORT",
        "DAYPASS_PORT_8443_TCP_ADDR",
        "DAYPASS_PORTAL_SERVICE_HOST",
        "DAYPASS_PORTAL_PORT",
        "DAYPASS_POSTGRES_PORT_5432_TCP_ADDR",
    ],
)
def test_variables_of_other_programs_are_ignored(name: str) -> None:
    assert unknown_names([*KNOWN, name]) == []


def test_each_variable_that_the_project_reads_is_known() -> None:
    source = Path(daypass.__file__).parent
    read = {
        name
        for module in source.rglob("*.py")
        if module.name != "environment.py"
        for name in re.findall(r"\bDAYPASS_[A-Z_]+[A-Z]\b", module.read_text())
    }

    assert unknown_names(read) == []


def test_every_operator_command_reports_it(operator: Operator) -> None:
    serving = {"DAYPASS_NEWER": "x"}
    for words in (("migrate",), ("audit", "verify"), ("aws-setup", "--format", "cli", "--account", "1" * 12)):
        warned = operator.run_inside(*words, **serving)
        refused = operator.run_inside(*words, DAYPASS_THREAD="8")

        assert (warned.returncode, refused.returncode in {1, 2}) == (0, True), warned.stderr
        assert "DAYPASS_NEWER is not a variable of this version" in warned.stderr
        assert "Did you mean DAYPASS_THREADS?" in refused.stderr
    with operator.serving_forked(**serving) as portal:
        told = [line for line in portal.lines() if line.get("variable")]

    assert [(line["level"], line["variable"]) for line in told] == [("warning", "DAYPASS_NEWER")]
    assert "DAYPASS_NEWER" not in os.environ
