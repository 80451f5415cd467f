"""CI systems that build repositories: a rule binds the repository, and the branch or environment."""

from daypass.portal.workloads.issuers.model import ID, UUID, ClaimField, IssuerKind, IssuerRules, Refused

_OF_PULL_REQUESTS = (
    "Anyone who can open a pull request decides on the commands of such a job. Demand the branch or the "
    "environment to which it is merged."
)

GITHUB = IssuerRules(
    kind=IssuerKind.GITHUB,
    label="GitHub Actions",
    issuer="https://token.actions.githubusercontent.com",
    issuer_pattern=(
        r"https://token\.actions\.githubusercontent\.com(/[A-Za-z0-9-]+)?"
        r"|https://token\.actions\.[a-z0-9-]+\.ghe\.com"
    ),
    issuer_help="https://token.actions.githubusercontent.com for github.com, with /ENTERPRISE if the "
    "enterprise "
    "has an issuer of its own; https://token.actions.NAME.ghe.com for data residency; "
    "https://HOST/_services/token for GitHub Enterprise Server.",
    fields=(
        ClaimField(
            "repository_id",
            "Repository id",
            "The number that gh api repos/OWNER/NAME --jq .id prints. A name can be taken over by others.",
            is_required=True,
            pattern=ID,
            example="123456789",
        ),
        ClaimField(
            "repository_owner_id",
            "Owner id",
            "The number that gh api users/OWNER --jq .id prints; of an organization too.",
            is_required=True,
            pattern=ID,
            example="9919",
        ),
        ClaimField(
            "environment", "Environment", "The deployment environment of the job.", example="production"
        ),
        ClaimField("ref", "Branch or tag", "The full ref.", pattern="refs/.+", example="refs/heads/main"),
        ClaimField(
            "ref_protected",
            "The ref is protected",
            "true, which a rule without an environment needs.",
            pattern="true",
            example="true",
        ),
        ClaimField(
            "job_workflow_ref",
            "Reusable workflow",
            "The workflow file that has the job, with its ref.",
            example="OWNER/NAME/.github/workflows/deploy.yml@refs/heads/main",
        ),
    ),
    one_of=(frozenset({"environment", "ref_protected"}),),
    one_of_help="Demand an environment, or a protected ref. Without one, every pushed branch gets access.",
    refused=(
        Refused("event_name", "pull_request", _OF_PULL_REQUESTS),
        Refused("ref", "refs/pull/", _OF_PULL_REQUESTS),
    ),
    foreign_audience=r"https://(github\.com|[a-z0-9-]+\.ghe\.com)/.*",
)

GITLAB = IssuerRules(
    kind=IssuerKind.GITLAB,
    label="GitLab CI/CD",
    issuer="https://gitlab.com",
    issuer_pattern=r"https://gitlab\.com",
    issuer_help="The address of the GitLab instance.",
    fields=(
        ClaimField(
            "project_id",
            "Project id",
            "The number under the project's name, in its settings.",
            is_required=True,
            pattern=ID,
            example="22",
        ),
        ClaimField(
            "namespace_id",
            "Namespace id",
            "The number of the group or user that owns the project.",
            is_required=True,
            pattern=ID,
            example="72",
        ),
        ClaimField("environment", "Environment", "The environment of the job.", example="production"),
        ClaimField(
            "ref_protected",
            "The ref is protected",
            "true, which a rule without an environment needs.",
            pattern="true",
            example="true",
        ),
        ClaimField(
            "ref_path", "Branch or tag", "The full ref.", pattern="refs/.+", example="refs/heads/main"
        ),
    ),
    one_of=(frozenset({"environment", "ref_protected"}),),
    one_of_help="Demand an environment, or a protected ref. Without one, every pushed branch gets access.",
    refused=(
        Refused("pipeline_source", "merge_request_event|external_pull_request_event", _OF_PULL_REQUESTS),
        Refused("ref_path", "refs/merge-requests/", _OF_PULL_REQUESTS),
    ),
    foreign_audience=r"https://gitlab\.com",
    # A job gets one token when it starts, and may need it at its end.
    max_age=None,
)

BITBUCKET = IssuerRules(
    kind=IssuerKind.BITBUCKET,
    label="Bitbucket Pipelines",
    issuer="https://api.bitbucket.org/2.0/workspaces/WORKSPACE/pipelines-config/identity/oidc",
    issuer_pattern=r"https://api\.bitbucket\.org/2\.0/workspaces/[A-Za-z0-9_-]+/pipelines-config/identity/oidc",
    issuer_help="The identity provider URL in the repository's settings, under OpenID Connect. Each "
    "workspace "
    "has its own.",
    fields=(
        ClaimField(
            "repositoryUuid",
            "Repository UUID",
            "With its braces, as the repository's OpenID Connect settings show it.",
            is_required=True,
            pattern=r"\{" + UUID + r"\}",
            example="{d7d1e3d9-4b41-4d1a-9d0a-0b3c8a1f2e4d}",
        ),
        ClaimField(
            "deploymentEnvironmentUuid",
            "Deployment environment UUID",
            "With its braces.",
            pattern=r"\{" + UUID + r"\}",
        ),
        ClaimField("branchName", "Branch", "The branch of the pipeline.", example="main"),
    ),
    one_of=(frozenset({"deploymentEnvironmentUuid", "branchName"}),),
    one_of_help="Demand a deployment environment or a branch. Without one, every pushed branch gets access.",
    foreign_audience=r"ari:cloud:bitbucket::.*",
    # A step gets one token when it starts.
    max_age=None,
)

CIRCLECI = IssuerRules(
    kind=IssuerKind.CIRCLECI,
    label="CircleCI",
    issuer="https://oidc.circleci.com/org/ORGANIZATION_ID",
    issuer_pattern=r"https://oidc\.circleci\.com/org/" + UUID,
    issuer_help="https://oidc.circleci.com/org/ORGANIZATION_ID. The id is in the organization's settings.",
    fields=(
        ClaimField(
            "oidc.circleci.com/project-id",
            "Project id",
            "The UUID in the project's settings.",
            is_required=True,
            pattern=UUID,
        ),
        ClaimField(
            "oidc.circleci.com/vcs-origin",
            "Repository",
            "The repository that the job checks out, without https://. A fork has another one.",
            is_required=True,
            example="github.com/OWNER/NAME",
        ),
        ClaimField(
            "oidc.circleci.com/vcs-ref",
            "Branch or tag",
            "The full ref.",
            is_required=True,
            pattern="refs/(heads|tags)/.+",
            example="refs/heads/main",
        ),
    ),
    refused=(
        Refused(
            "oidc.circleci.com/ssh-rerun",
            "true",
            "A person can sign in to the machine of a job that was run again with SSH.",
        ),
        Refused("oidc.circleci.com/vcs-ref", "refs/pull/", _OF_PULL_REQUESTS),
    ),
    # The organization's id is the audience that a job gets without asking for one.
    foreign_audience=UUID,
    max_age=None,
)

BUILDKITE = IssuerRules(
    kind=IssuerKind.BUILDKITE,
    label="Buildkite",
    issuer="https://agent.buildkite.com",
    issuer_pattern=r"https://agent\.buildkite\.com",
    issuer_help="https://agent.buildkite.com, which all organizations share.",
    fields=(
        ClaimField(
            "organization_id",
            "Organization id",
            "The UUID in the organization's settings. All organizations share the issuer.",
            is_required=True,
            pattern=UUID,
        ),
        ClaimField(
            "pipeline_id",
            "Pipeline id",
            "The UUID in the pipeline's settings.",
            is_required=True,
            pattern=UUID,
        ),
        ClaimField(
            "build_branch",
            "Branch",
            "The branch of the build. If the pipeline builds pull requests from forks, it must prefix their "
            "branch names: a fork can have a branch of the same name.",
            example="main",
        ),
        ClaimField("build_tag", "Tag", "The tag of the build.", example="v1.2.3"),
        ClaimField("step_key", "Step key", "The key of the step.", example="deploy"),
    ),
    one_of=(frozenset({"build_branch", "build_tag"}),),
    one_of_help="Demand a branch or a tag. Without one, every pushed branch gets access.",
    # With the prefix of a fork's owner. No branch of the repository itself has a colon.
    refused=(Refused("build_branch", "[^:]*:", _OF_PULL_REQUESTS),),
    foreign_audience=r"https://buildkite\.com/.*",
)
