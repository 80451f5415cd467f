"""The composite action gives the following steps of a job AWS keys, and shows no secret."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.ci.keys import role_of
from tests.ci.runner import Job
from tests.cli.identity.conftest import ExchangePortal
from tests.cli.sign_in import leave_sign_in
from tests.cli.stub import StubPortal
from tests.fixtures.ci_issuer import ci_issuer
from tests.fixtures.demo import Demo, bare_environment

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
DANA = "dana@example.com"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a python3 with pip, as runners have it; uv makes environments without pip."""
    if find_spec("pip") is not None:
        return Path(sys.executable).parent
    place = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    return place / "bin"


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUNNER_TEMP of all jobs of this module, so that packages are downloaded once."""
    return tmp_path_factory.mktemp("runner-temp")


@pytest.fixture
def job(python: Path, temporary: Path, tmp_path: Path) -> Job:
    """A job with an empty home."""
    (tmp_path / "temp").symlink_to(temporary)
    # pip's cache is kept between runs.
    cache = Path(tempfile.gettempdir()) / "daypass-tests-pip"
    bare = bare_environment(tmp_path, PIP_CACHE_DIR=str(cache))
    return Job(tmp_path, bare | {"PATH": f"{python}:/usr/bin:/bin"})


def inputs(demo: Demo, username: str = DANA, **more: str) -> dict[str, str]:
    token = demo.token(username)
    return {"host": demo.portal_url, "ca-file": demo.ca_file, "token": token, "tenant": "dev01"} | more


def saved(job: Job) -> dict[str, str]:
    return {name: value for name, value in job.environment.items() if name.startswith("AWS_")}


def test_the_next_steps_have_keys_for_the_tenant_and_the_log_shows_no_secret(job: Job, demo: Demo) -> None:
    given = inputs(demo, duration="15m")

    code, outputs = job.use(ACTION, given)

    assert code == 0, job.log
    keys = saved(job)
    assert role_of(demo, keys) == f"duploservices-dev01/{DANA}"
    assert keys["AWS_REGION"] == keys["AWS_DEFAULT_REGION"] == demo.ready["region"]
    assert outputs == {"expires-at": keys["AWS_CREDENTIAL_EXPIRATION"]}
    secrets = [given["token"], *(keys[name] for name in KEYS)]
    assert set(secrets) <= set(job.masks)
    # Printed before it is masked, a secret would stay in the log.
    assert not [secret for secret in secrets if secret in job.log]
    assert "***" not in job.log


def test_a_job_that_may_prove_its_identity_needs_no_stored_secret(job: Job, tmp_path: Path) -> None:
    stub = StubPortal()
    # A token of the job and a sign-in of the runner's user exist, and neither is used.
    state = tmp_path / "state"
    job.environment |= {"DUPLO_TOKEN": "canary_of_another_portal", "DAYPASS_STATE_DIR": str(state)}
    job.environment["TMPDIR"] = str(tmp_path)
    leave_sign_in(job.environment, stub.url)
    try:
        portal = ExchangePortal(stub)
        with ci_issuer() as issuer:
            job.environment |= issuer.github_variables()
            code, outputs = job.use(
                ACTION, {"host": stub.url, "tenant": "dev01", "service-account": "deployer"}
            )
    finally:
        stub.close()

    assert code == 0, job.log
    assert saved(job)["AWS_SECRET_ACCESS_KEY"] == "canary-secret-key"
    assert outputs["expires-at"]
    (form,) = portal.exchanges
    assert (form["audience"], issuer.audiences) == ("deployer", [stub.url])
    assert portal.callers == ["daypass_wlt_canary_1"]
    assert not [
        secret
        for secret in (form["subject_token"], issuer.request_token, *portal.callers, "canary-secret-key")
        if secret in job.log
    ]
    assert not list(job.folder.rglob("*.workload"))


def test_the_region_can_be_chosen_and_admin_access_be_requested(job: Job, demo: Demo) -> None:
    admin = next(str(user["username"]) for user in demo.ready["users"] if user["role"] == "Administrator")

    code, _ = job.use(ACTION, inputs(demo, admin, tenant="", admin="true", region="eu-central-1"))

    assert code == 0, job.log
    assert role_of(demo, saved(job)) == f"duplomaster/{admin}"
    assert job.environment["AWS_REGION"] == job.environment["AWS_DEFAULT_REGION"] == "eu-central-1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"host": ""}, "The input host is empty."),
        ({"token": ""}, "The job has neither the permission id-token: write nor the input token."),
        ({"tenant": ""}, "The input tenant is empty."),
        ({"admin": "true"}, "The inputs tenant and admin exclude each other."),
        ({"admin": "yes"}, "The input admin must be true or false."),
        ({"tenant": "nowhere"}, "The portal gave no keys. The reason is above."),
        ({"duration": "99h"}, "The portal gave no keys. The reason is above."),
        ({"token": "no-token"}, "The portal gave no keys. The reason is above."),
    ],
)
def test_a_step_without_keys_fails_with_the_reason(
    job: Job, demo: Demo, changed: Mapping[str, str], said: str
) -> None:
    code, _ = job.use(ACTION, inputs(demo, **changed))

    assert code == 1
    assert f"::error title=Daypass::{said}" in job.log
    assert saved(job) == {}
    assert demo.token(DANA) not in job.log


@pytest.mark.parametrize(
    "names", [("host", "token", "tenant", "duration", "region", "ca-file"), ("tenant", "region"), ("admin",)]
)
def test_an_input_is_never_run_as_a_command(job: Job, demo: Demo, names: tuple[str, ...]) -> None:
    trap = job.folder / "trapped"
    text = f"""x'; touch {trap}; "$(touch {trap})" `touch {trap}`"""

    job.use(ACTION, inputs(demo, **dict.fromkeys(names, text)))

    assert not trap.exists()


def test_a_region_with_a_line_break_cannot_set_another_variable(job: Job, demo: Demo) -> None:
    code, _ = job.use(ACTION, inputs(demo, region="eu-west-1\nLD_PRELOAD=/tmp/evil.so"))

    assert code == 1
    assert "AWS_REGION has a line break." in job.log
    assert "LD_PRELOAD" not in job.environment


def test_a_token_of_several_lines_is_masked_whole(job: Job, demo: Demo) -> None:
    job.use(ACTION, inputs(demo, token="first-line\nsecond%line\n"))

    assert {"first-line", "second%line"} <= set(job.masks)
    assert not re.search("first-line|second%line", job.log)


def test_a_profile_of_the_job_that_some_programs_prefer_is_reported(job: Job, demo: Demo) -> None:
    job.environment["AWS_PROFILE"] = "other"

    code, _ = job.use(ACTION, inputs(demo))

    assert code == 0, job.log
    assert "::warning title=Daypass::AWS_PROFILE" in job.log


def test_a_runner_without_python_gets_advice(job: Job, demo: Demo) -> None:
    empty = job.folder / "bin"
    empty.mkdir()
    for name in ("bash", "cat"):
        found = shutil.which(name)
        assert found is not None
        (empty / name).symlink_to(found)
    job.environment["PATH"] = str(empty)

    code, _ = job.use(ACTION, inputs(demo))

    assert code == 1
    assert "Add a step with actions/setup-python before this action." in job.log


def test_no_script_contains_an_expression() -> None:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]

    assert [step["name"] for step in steps if "${{" in step["run"]] == []


def test_the_action_installs_the_packages_of_the_lock() -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    words = ["export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--no-header"]
    command = [uv, *words, "--format", "requirements.txt"]
    exported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    lines = (ROOT / ".github" / "action-requirements.txt").read_text().splitlines(keepends=True)

    said = "Export .github/action-requirements.txt anew: its first lines have the command."
    assert "".join(line for line in lines if not line.startswith("#")) == exported, said
