"""The workload identity that flags and environment select. On the fast path of CI jobs: few imports."""

import os

from daypass.cli.cache.request import first_set, read_file, trimmed
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Misconfigured, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO, NONE = "auto", "none"
"""Find an identity if there is no sign-in; use none."""

TOKEN_VARIABLE = "DAYPASS_ID_TOKEN"  # noqa: S105  the name of a variable
_SUFFIX = "_ID_TOKEN"
"""The end of the names that GitLab's documentation gives to the tokens under `id_tokens:`."""
FILE_PREFIX = "file:"

SYSTEMS = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "bitbucket": "Bitbucket Pipelines",
    "circleci": "CircleCI",
    "buildkite": "Buildkite",
    "hcp-terraform": "HCP Terraform",
    "kubernetes": "Kubernetes",
    "aws": "AWS STS",
    "google": "Google Cloud",
}
"""The systems that can be selected by name, with the names for messages."""

_VARIABLE = "variable"
_FILE = "file"

KUBERNETES_FILE = "/var/run/secrets/daypass/token"
"""Path of the projected token; the default token of a pod is for the API server's audience."""

HCP_VARIABLES = ("TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS", "TFC_WORKLOAD_IDENTITY_TOKEN")
"""Variables of HCP Terraform, in order of precedence: with the suffix a run can have several tokens."""

_JOB_VARIABLES = {
    "github": ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    _VARIABLE: (TOKEN_VARIABLE,),
    "bitbucket": ("BITBUCKET_STEP_OIDC_TOKEN",),
    "circleci": ("CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_OIDC_TOKEN_V2"),
    "buildkite": ("BUILDKITE_JOB_ID", "BUILDKITE_AGENT_ACCESS_TOKEN"),
    "hcp-terraform": HCP_VARIABLES,
    "aws": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "HOME",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "google": ("GCE_METADATA_HOST", "K_SERVICE", "CLOUD_RUN_JOB"),
}
"""The variables that distinguish a job from all other jobs on the same machine."""

_MARKERS = {
    "github": ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    "bitbucket": ("BITBUCKET_STEP_OIDC_TOKEN",),
    "circleci": ("CIRCLECI", "CIRCLE_WORKFLOW_JOB_ID"),
    "buildkite": ("BUILDKITE", "BUILDKITE_JOB_ID"),
}
"""The variables that are all set in a job of each system that is detected by variables alone."""

AZURE = "azure-devops"
AZURE_ADVICE = (
    "Azure Pipelines signs its tokens for Entra ID and for no other audience, so no workload rule accepts "
    "them. Give the job an API token in DAYPASS_TOKEN, from a secret variable of the pipeline."
)
"""The reason why jobs of Azure Pipelines have no identity here, and what they use instead.

A rule could demand exact ids, but it would accept the tokens that the job gives to any other service, because
all of them have the same audience. Each of these services could use them at the portal.
"""


class Identity:
    """An identity that a system can prove, and the job that has it.

    `path` is that of the file with the token, if there is one. `key` distinguishes jobs and service accounts
    in the cache; it is a digest, so it reveals no token. `is_detected` is false for an identity that the user
    selected: its token may be for the audience of a workload rule.
    """

    __slots__ = ("is_detected", "key", "path", "service_account", "source")

    def __init__(self, source: str, job: str, service_account: str = "", path: str = "") -> None:
        self.source = source
        self.path = path
        self.service_account = service_account
        self.is_detected = False
        self.key = fingerprint("\0".join((source, path, job, service_account)).encode())

    @property
    def system(self) -> str:
        """The name of the system, for messages."""
        if self.source == _FILE:
            return f"the file {self.path}"
        return SYSTEMS.get(self.source, TOKEN_VARIABLE)


def selected(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> Identity | None:
    """Return the identity that was selected by name or given as a token; None if none was.

    Raises `UsageError` for an unknown name and for a file that cannot be read, and `Misconfigured` for a
    system whose tokens no workload rule accepts.
    """
    choice = _choice(flags, environment)
    if choice == NONE:
        return None
    if choice == AUTO:
        is_given = first_set(environment, TOKEN_VARIABLE) is not None
        if not is_given:
            return None
        if not environment.get("GITLAB_CI"):
            return _identity(_VARIABLE, flags, environment)
        # A pipeline can declare the variable with any audience, such as that of a template for Vault.
        found = _identity("gitlab", flags, environment)
        found.is_detected = True
        return found
    if choice.startswith(FILE_PREFIX):
        from daypass.cli.runtime.home import expanded

        return _of_file(_FILE, expanded(choice.removeprefix(FILE_PREFIX), environment), flags, environment)
    if choice == "kubernetes":
        return _of_file(choice, KUBERNETES_FILE, flags, environment)
    if choice == AZURE:
        raise Misconfigured(f"The identity {AZURE} is not supported. {AZURE_ADVICE}")
    if choice not in SYSTEMS:
        raise UsageError(
            f"There is no identity of that name. Choose one with --identity: {AUTO}, {NONE}, "
            f"{', '.join(SYSTEMS)}, or {FILE_PREFIX}PATH."
        )
    return _identity(choice, flags, environment)


def detected(
    flags: "Mapping[str, str]", environment: "Mapping[str, str]", kubernetes_file: str = KUBERNETES_FILE
) -> Identity | None:
    """Return the identity of the job in which this process runs; None outside a job that has any."""
    if _choice(flags, environment) != AUTO:
        return None
    found = _found(flags, environment, kubernetes_file)
    if found is not None:
        found.is_detected = True
    return found


def _found(
    flags: "Mapping[str, str]", environment: "Mapping[str, str]", kubernetes_file: str
) -> Identity | None:
    for source, markers in _MARKERS.items():
        if all(environment.get(name) for name in markers):
            return _identity(source, flags, environment)
    if environment.get("GITLAB_CI") and variables("gitlab", environment):
        return _identity("gitlab", flags, environment)
    if any(environment.get(name) for name in HCP_VARIABLES):
        return _identity("hcp-terraform", flags, environment)
    if environment.get("KUBERNETES_SERVICE_HOST") and os.path.isfile(kubernetes_file):
        return _of_file("kubernetes", kubernetes_file, flags, environment)
    if environment.get("K_SERVICE") or environment.get("CLOUD_RUN_JOB"):
        return _identity("google", flags, environment)
    return None


def variables(source: str, environment: "Mapping[str, str]") -> list[str]:
    """Return the set variables that may hold the token of a system, in order of precedence."""
    names = {
        _VARIABLE: (TOKEN_VARIABLE,),
        "gitlab": (TOKEN_VARIABLE, *_other_gitlab_tokens(environment)),
        "bitbucket": ("BITBUCKET_STEP_OIDC_TOKEN",),
        "hcp-terraform": HCP_VARIABLES,
    }
    return [name for name in names.get(source, ()) if trimmed(environment.get(name, ""))]


def _other_gitlab_tokens(environment: "Mapping[str, str]") -> list[str]:
    names = (name for name in environment if name.endswith(_SUFFIX) and name != TOKEN_VARIABLE)
    # A variable of the pipeline's author can have such a name too.
    return sorted(name for name in names if environment[name].count(".") == 2)


def _choice(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    return trimmed(flags.get("identity") or first_set(environment, "DAYPASS_IDENTITY") or AUTO)


def _identity(source: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> Identity:
    names = variables(source, environment) if source == "gitlab" else _JOB_VARIABLES[source]
    job = "\0".join(environment.get(name, "") for name in names)
    return Identity(source, job, _service_account(flags, environment))


def _of_file(
    source: str, path: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]"
) -> Identity:
    # The content counts, not the path alone: jobs of different owners may use the same path in turn.
    content = read_file(path, "file with the identity token", limit=MAX_TOKEN_SIZE)
    return Identity(source, fingerprint(content), _service_account(flags, environment), path)


MAX_TOKEN_SIZE = 16 * 1024
"""Maximum size in bytes of a token that the portal accepts."""


def _service_account(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    name = trimmed(flags.get("service_account") or first_set(environment, "DAYPASS_SERVICE_ACCOUNT") or "")
    if not name.isprintable():
        raise UsageError("The service account's name has characters that no name has.")
    return name
