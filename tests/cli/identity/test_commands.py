"""The commands that show the identity of a job, or write it into a profile."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Inside
from tests.cli.identity.conftest import JobInside, oauth_error
from tests.cli.sign_in import leave_sign_in
from tests.fixtures.ci_issuer import BITBUCKET_STEP

HOST_ONLY = ("doctor", "--output", "json")


def findings(job: JobInside, **more: str) -> dict[str, dict[str, str]]:
    """Return the findings of `daypass doctor` by their subjects."""
    # Without a PATH, doctor does not start the AWS CLI.
    ran = job(*HOST_ONLY, **more, PATH="/nowhere")
    return {each["about"]: each for each in json.loads(ran.out)}


def test_doctor_shows_the_identity_and_the_answer_of_the_portal(job: JobInside) -> None:
    found = findings(job)

    identity, sign_in = found["identity"], found["sign-in"]
    assert (identity["state"], sign_in["state"]) == ("good", "good")
    assert "GitHub Actions: iss http://127.0.0.1" in identity["sentence"]
    assert "repository acme/shop, repository_id 4711" in identity["sentence"]
    assert re.search(r"dana@example\.com \(Administrator\).*, valid until 20", sign_in["sentence"])


def test_doctor_shows_the_refusal_of_the_portal(job: JobInside) -> None:
    job.portal.refusal = oauth_error("invalid_request", "The portal does not accept this token.")

    sign_in = findings(job)["sign-in"]

    assert sign_in["state"] == "bad"
    assert "The portal does not accept this token." in sign_in["sentence"]
    # A token of a user is no remedy for a job.
    assert "workload rule" in sign_in["mend"]
    assert "DAYPASS_TOKEN" not in sign_in["mend"]


def test_doctor_says_what_a_job_without_identity_needs(job: JobInside) -> None:
    job.variables.clear()

    nothing = findings(job, GITHUB_ACTIONS="true")["identity"]
    selected = findings(job, DAYPASS_IDENTITY="github")["identity"]

    assert (nothing["state"], selected["state"]) == ("notable", "bad")
    assert "GITHUB_ACTIONS is set, but this job has no token" in nothing["sentence"]
    assert "`id-token: write`" in nothing["sentence"]
    assert "`id-token: write`" in selected["sentence"]


def test_doctor_names_the_way_to_take_in_azure_pipelines(job: JobInside) -> None:
    job.variables.clear()

    inside = findings(job, TF_BUILD="True")["identity"]
    selected = findings(job, DAYPASS_IDENTITY="azure-devops")["identity"]
    with_token = findings(job, DAYPASS_IDENTITY="azure-devops", DAYPASS_TOKEN="t0ken")["identity"]

    assert [each["state"] for each in (inside, selected, with_token)] == ["notable", "bad", "notable"]
    for found in (inside, selected, with_token):
        assert "Give the job an API token in DAYPASS_TOKEN" in found["sentence"]
        assert "this was not checked" not in found["sentence"]


def test_doctor_reports_a_token_for_another_service(job: JobInside) -> None:
    job.variables.clear()
    token = job.issuer.mint("workspace", BITBUCKET_STEP)

    found = findings(job, BITBUCKET_STEP_OIDC_TOKEN=token)["identity"]

    assert found["state"] == "bad"
    assert "; not for http://localhost" in found["sentence"]


def test_doctor_reports_an_identity_that_a_token_or_a_sign_in_hides(job: JobInside, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    leave_sign_in({"DAYPASS_STATE_DIR": state}, job.portal.stub.url)

    signed_in = findings(job, DAYPASS_STATE_DIR=state)["identity"]

    assert signed_in["state"] == "notable"
    assert "the sign-in of this machine wins" in signed_in["sentence"]
    assert signed_in["mend"] == "export DAYPASS_IDENTITY=github"


def test_doctor_says_nothing_about_identities_outside_a_job(job: JobInside) -> None:
    job.variables.clear()

    assert "identity" not in findings(job)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (("--identity", "github"), "--identity github"),
        (("--identity", "github", "--service-account", "deployer"), "--service-account deployer"),
    ],
)
def test_a_profile_names_the_identity_that_was_selected(
    job: JobInside, words: tuple[str, ...], written: str
) -> None:
    ran = job("configure", "--tenant", "dev01", *words)

    assert ran.code == 0
    config = job.inside.config.read_text()
    assert written in config
    assert "canary" not in config


def test_a_profile_names_the_file_of_an_identity_by_its_absolute_path(
    job: JobInside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "id token").write_text(job.issuer.mint(job.portal.stub.url))
    monkeypatch.chdir(tmp_path)

    ran = job("configure", "--tenant", "dev01", "--identity", "file:id token")

    assert ran.code == 0
    assert f"--identity 'file:{tmp_path}/id token'" in job.inside.config.read_text()


def test_a_name_of_an_identity_is_completed(daypass: Command) -> None:
    ran = daypass(_DAYPASS_COMPLETE="bash_complete", COMP_WORDS="daypass aws --identity g", COMP_CWORD="3")

    assert {"plain,github", "plain,gitlab", "plain,google"} == set(ran.out.split())


@pytest.mark.parametrize("command", ["aws", "exec", "env", "configure"])
def test_the_help_of_each_command_has_an_example_with_an_identity(inside: Inside, command: str) -> None:
    examples = [line for line in inside(command, "--help").out.splitlines() if f"daypass {command} " in line]

    assert any("--identity " in line and "--tenant dev01" in line for line in examples)


PIPELINES = Path(__file__).parents[3] / "docs/guides/pipelines.md"


@pytest.mark.parametrize(
    ("heading", "needed"),
    [
        ("GitHub Actions", "id-token: write"),
        ("GitLab CI", "id_tokens:"),
        ("Bitbucket Pipelines", "audiences:"),
        ("CircleCI", "circleci run oidc get --claims"),
        ("Buildkite", "buildkite-agent oidc request-token --audience"),
        ("HCP Terraform", "TFC_WORKLOAD_IDENTITY_AUDIENCE_DAYPASS"),
        ("Kubernetes", "serviceAccountToken:"),
        ("AWS and Google Cloud", "aws sts get-web-identity-token"),
        ("AWS and Google Cloud", "--identity google"),
    ],
)
def test_the_guide_has_each_system_before_stored_tokens(heading: str, needed: str) -> None:
    before = PIPELINES.read_text().partition("\n## With a stored token")[0]
    section = before.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]

    assert needed in section
    assert "DAYPASS_TOKEN" not in section
