"""The claims of an identity token, for messages and checks on this machine. The portal verifies the token."""

from binascii import a2b_base64

from daypass.cli.api import errors
from daypass.cli.api.responses import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = (
    "iss",
    "sub",
    "aud",
    # GitHub
    "repository",
    "repository_id",
    "repository_owner_id",
    "environment",
    "ref",
    "event_name",
    "job_workflow_ref",
    # GitLab
    "project_path",
    "project_id",
    "namespace_id",
    "ref_path",
    "ref_protected",
    # Bitbucket
    "workspaceUuid",
    "repositoryUuid",
    "deploymentEnvironmentUuid",
    "branchName",
    # CircleCI
    "oidc.circleci.com/project-id",
    "oidc.circleci.com/vcs-origin",
    "oidc.circleci.com/vcs-ref",
    # Buildkite
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
    "build_branch",
    # HCP Terraform
    "terraform_organization_id",
    "terraform_workspace_id",
    "terraform_run_phase",
)
"""The claims that are shown. Others may hold what is not meant for a log."""

_MAX_LENGTH = 200
"""Maximum length of a claim that is shown, in characters."""


def unverified(token: str) -> "Mapping[str, object]":
    """Return the claims of *token*; none if it is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    payload = parts[1].replace("-", "+").replace("_", "/")
    try:
        claims = read_json(a2b_base64(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def shown(claims: "Mapping[str, object]") -> str:
    """Return the claims that identify the job, as text for messages; none of them is a secret."""
    return ", ".join(f"{name} {_text(claims[name])}" for name in _SHOWN if _text(claims.get(name)))


def audiences(claims: "Mapping[str, object]") -> list[str]:
    """Return the audiences of the token."""
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    return [each for each in listed if isinstance(each, str)]


def joined(texts: "list[str]") -> str:
    """Return the *texts* as part of a message."""
    return _text(list(texts)) or "no service"


def _text(value: object) -> str:
    if isinstance(value, list):
        return " and ".join(filter(None, map(_text, value)))
    if not isinstance(value, str | int):
        return ""
    return errors.printable(str(value))[:_MAX_LENGTH]
