"""Which identity a command uses, by flags and environment alone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from daypass.cli.cache import request
from daypass.cli.identity.selection import Identity, detected, selected
from daypass.cli.runtime.errors import Misconfigured, UsageError

GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
AZURE = {"SYSTEM_OIDCREQUESTURI": "https://ci", "SYSTEM_ACCESSTOKEN": "t"}


def source(identity: Identity | None) -> str | None:
    return None if identity is None else identity.source


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"CI": "true"}, None),
        (GITHUB, "github"),
        ({"GITHUB_ACTIONS": "true"}, None),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci"}, None),
        ({"GITLAB_CI": "true"}, None),
        ({"GITLAB_CI": "true", "VAULT_ID_TOKEN": "a.b.c"}, "gitlab"),
        ({"GITLAB_CI": "true", "VAULT_ID_TOKEN": "no token"}, None),
        ({"VAULT_ID_TOKEN": "a.b.c"}, None),
        ({"BITBUCKET_STEP_OIDC_TOKEN": "t"}, "bitbucket"),
        ({"CIRCLECI": "true", "CIRCLE_WORKFLOW_JOB_ID": "1"}, "circleci"),
        ({"BUILDKITE": "true", "BUILDKITE_JOB_ID": "1"}, "buildkite"),
        ({"TFC_WORKLOAD_IDENTITY_TOKEN": "t"}, "hcp-terraform"),
        ({"TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS": "t"}, "hcp-terraform"),
        # The audience of its tokens is never the portal.
        (AZURE, None),
        ({"K_SERVICE": "web"}, "google"),
        ({"CLOUD_RUN_JOB": "nightly"}, "google"),
        # On a laptop these are usual.
        ({"AWS_PROFILE": "dev01", "AWS_ACCESS_KEY_ID": "AKIA"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),
        (GITHUB | {"DAYPASS_IDENTITY": "none"}, None),
        (GITHUB | {"DAYPASS_IDENTITY": "auto"}, "github"),
        (GITHUB | {"DAYPASS_IDENTITY": " "}, "github"),
    ],
)
def test_an_identity_is_detected_by_what_only_its_system_sets(
    environment: Mapping[str, str], found: str | None
) -> None:
    assert source(detected({}, environment)) == found


def test_a_pod_is_detected_by_its_projected_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    before = detected({}, pod, str(token))
    token.write_text("a.b.c")
    after = detected({}, pod, str(token))
    outside = detected({}, {}, str(token))

    assert (before, source(after), outside) == (None, "kubernetes", None)


@pytest.mark.parametrize(
    ("flags", "environment", "found"),
    [
        ({}, GITHUB, None),
        ({"identity": "github"}, {}, "github"),
        ({"identity": "aws"}, GITHUB, "aws"),
        ({"identity": "none"}, {"DAYPASS_ID_TOKEN": "t"}, None),
        ({}, {"DAYPASS_ID_TOKEN": "t"}, "variable"),
        ({}, {"DAYPASS_ID_TOKEN": "t", "GITLAB_CI": "true"}, "gitlab"),
        ({}, {"DAYPASS_ID_TOKEN": " "}, None),
        ({}, {"DAYPASS_IDENTITY": "google", "DAYPASS_ID_TOKEN": "t"}, "google"),
        ({"identity": "github"}, {"DAYPASS_IDENTITY": "google"}, "github"),
    ],
)
def test_an_identity_can_be_selected(
    flags: Mapping[str, str], environment: Mapping[str, str], found: str | None
) -> None:
    assert source(selected(flags, environment)) == found


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"auto, none, github, .*, or file:PATH"):
        selected({"identity": "jenkins"}, {})


def test_azure_pipelines_cannot_be_selected_and_the_refusal_names_the_way_to_take() -> None:
    with pytest.raises(Misconfigured, match=r"for Entra ID .* no workload rule .* API token"):
        selected({"identity": "azure-devops"}, AZURE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        selected({"identity": f"file:{tmp_path}/none"}, {})


def test_each_job_and_service_account_has_a_key_that_reveals_no_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    keys = set()
    for token in ("canary.one.x", "canary.two.x"):
        file.write_text(token)
        for account in ({}, {"service_account": "deployer"}):
            in_file = selected({"identity": f"file:{file}"} | account, {})
            in_variable = selected(account, {"DAYPASS_ID_TOKEN": token})
            on_github = detected(account, GITHUB | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": token})
            keys |= {each.key for each in (in_file, in_variable, on_github) if each is not None}

    assert len(keys) == 12
    assert not [key for key in keys if "canary" in key]


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ROLE_ARN",
        "HOME",
    ],
)
def test_each_source_of_keys_for_aws_has_a_key_of_its_own(name: str) -> None:
    one, other = (selected({"identity": "aws"}, {name: value}) for value in ("one", "other"))
    assert one is not None
    assert other is not None
    assert one.key != other.key, "A job must not use the cached token of another role."


def test_the_keys_of_a_job_are_cached_for_its_identity() -> None:
    flags = {"host": "portal.example.com", "tenant": "dev01"}
    first = request.parse_request(flags, GITHUB)
    again = request.parse_request(flags, GITHUB)
    other = request.parse_request(flags, GITHUB | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"})

    assert first.key() == again.key() != other.key()
    assert request.parse_request(flags | {"token": "t0ken"}, GITHUB).identity is None
