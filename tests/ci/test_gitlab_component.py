"""The GitLab component gives the shell of a job AWS keys, and shows no secret."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.keys import role_of
from tests.cli.identity.conftest import ExchangePortal
from tests.cli.stub import StubPortal
from tests.fixtures.ci_issuer import GITLAB_JOB, ci_issuer
from tests.fixtures.demo import Demo, bare_environment

COMPONENT = Path(__file__).parents[2] / "templates" / "aws-credentials.yml"
DANA = "dana@example.com"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
HOST = "https://portal.example.com"

Done = subprocess.CompletedProcess[bytes]


def declared() -> dict[str, dict[str, Any]]:
    """Return the inputs that the component declares."""
    inputs: dict[str, dict[str, Any]] = next(yaml.safe_load_all(COMPONENT.read_text()))["spec"]["inputs"]
    return inputs


def job(**inputs: str) -> dict[str, Any]:
    """Return the hidden job, its inputs checked and inserted as GitLab does."""
    values = {}
    for name, one in declared().items():
        value = inputs.pop(name, None)
        if value is None:
            value = str(one["default"]).lower() if one.get("type") == "boolean" else one["default"]
        assert "regex" not in one or re.fullmatch(one["regex"], value), f"{name} may not be {value!r}"
        values[name] = value
    assert inputs == {}
    _, text = COMPONENT.read_text().split("\n---\n")
    text = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: values[match[1]], text)
    (found,) = yaml.safe_load(text).values()
    assert isinstance(found, dict)
    return found


def run(home: Path, component: Mapping[str, Any], variables: Mapping[str, str], shell: str = "sh") -> Done:
    """Run the job with a script that prints its environment."""
    script = "\n".join([*component["before_script"], 'echo "the script runs" >&2', "env -0"])
    (home / "script").write_text(script)
    return subprocess.run(
        [shell, "-e", home / "script"],
        env=bare_environment(home, **component["variables"]) | dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def run_on_demo(home: Path, demo: Demo, inputs: Mapping[str, str], shell: str = "sh", **more: str) -> Done:
    """Run the job on the demo's portal with Dana's token."""
    variables: dict[str, str] = {"DAYPASS_TOKEN": demo.token(DANA), "SSL_CERT_FILE": demo.ca_file}
    return run(home, job(host=demo.portal_url, **inputs), variables | more, shell)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_script_of_the_job_has_keys_and_nothing_shows_them(
    tmp_path: Path, demo: Demo, shell: str
) -> None:
    done = run_on_demo(tmp_path, demo, {"tenant": "dev01", "duration": "15m"}, shell)

    assert done.returncode == 0, done.stderr.decode()
    variables = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert role_of(demo, variables) == f"duploservices-dev01/{DANA}"
    assert variables["AWS_REGION"] == demo.ready["region"]
    assert done.stderr == b"the script runs\n"
    # Nothing but the environment has them: no file of the home is left for a cache or an artifact.
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [name for name in KEYS if variables[name].encode() in kept]


def test_gitlab_signs_a_token_for_the_portal_in_each_job() -> None:
    assert job(host=HOST)["id_tokens"] == {"DAYPASS_ID_TOKEN": {"aud": HOST}}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_job_without_a_stored_token_exchanges_its_own(tmp_path: Path, shell: str) -> None:
    stub = StubPortal()
    try:
        portal = ExchangePortal(stub)
        with ci_issuer() as issuer:
            token = issuer.mint(stub.url, GITLAB_JOB)
        # The input accepts no portal without TLS.
        component = job(host=HOST, tenant="dev01")
        component["variables"]["DAYPASS_HOST"] = stub.url

        done = run(tmp_path, component, {"GITLAB_CI": "true", "DAYPASS_ID_TOKEN": token}, shell)
    finally:
        stub.close()

    assert done.returncode == 0, done.stderr.decode()
    assert b"AWS_SECRET_ACCESS_KEY=canary-secret-key" in done.stdout.split(b"\0")
    assert [form["subject_token"] for form in portal.exchanges] == [token]
    assert done.stderr == b"the script runs\n"


def test_the_region_can_be_chosen(tmp_path: Path, demo: Demo) -> None:
    done = run_on_demo(tmp_path, demo, {"tenant": "dev01", "region": "eu-central-1"})

    assert {b"AWS_REGION=eu-central-1", b"AWS_DEFAULT_REGION=eu-central-1"} <= {*done.stdout.split(b"\0")}


@pytest.mark.parametrize(
    ("inputs", "more", "said"),
    [
        ({"tenant": "dev01"}, {"DAYPASS_TOKEN": ""}, "DAYPASS_ID_TOKEN and DAYPASS_TOKEN are empty."),
        ({}, {}, "the input tenant is empty."),
        ({"tenant": "dev01", "admin": "true"}, {}, "the inputs tenant and admin exclude each other."),
        ({"tenant": "nowhere"}, {}, "the portal gave no keys. The reason is above."),
        ({"admin": "true"}, {}, "the portal gave no keys. The reason is above."),
        ({"tenant": "dev01", "duration": "99h"}, {}, "the portal gave no keys. The reason is above."),
        ({"tenant": "dev01"}, {"PATH": "/usr/bin:/bin"}, "this image has no command daypass."),
    ],
)
def test_a_job_without_keys_fails_with_the_reason_before_its_script(
    tmp_path: Path, demo: Demo, inputs: Mapping[str, str], more: Mapping[str, str], said: str
) -> None:
    done = run_on_demo(tmp_path, demo, inputs, **more)

    assert done.returncode == 1
    assert f"Daypass: {said}" in done.stderr.decode()
    assert b"the script runs" not in done.stderr


def test_a_shell_that_prints_its_commands_gets_no_keys(tmp_path: Path) -> None:
    component = job(host=HOST, tenant="dev01")
    component["before_script"].insert(0, "set -x")

    done = run(tmp_path, component, {"DAYPASS_TOKEN": "dummy"})

    assert done.returncode == 1
    assert b"would print the keys" in done.stderr


def test_every_text_input_has_a_rule_that_refuses_what_a_shell_or_yaml_would_read() -> None:
    texts = {name: one["regex"] for name, one in declared().items() if one.get("type") != "boolean"}

    for name, rule in texts.items():
        for text in ('x"', "x'", "$(x)", "$X", "`x`", "x;y", "x y", "x\ny", "\\x", "-x y", "#x", "{x}"):
            assert re.fullmatch(rule, text) is None, f"{name} accepts {text!r}"
    assert re.fullmatch(texts["package"], "--extra-index-url") is None


def test_the_component_follows_the_schema_of_gitlab(tmp_path: Path) -> None:
    header, _ = COMPONENT.read_text().split("\n---\n")
    whole = yaml.safe_load(header) | {".daypass-aws": job(host=HOST)}
    path = tmp_path / "component.json"
    path.write_text(json.dumps(whole))
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    words = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(path)]

    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
