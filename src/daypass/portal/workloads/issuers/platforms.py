"""Platforms that run workloads: a rule binds the workspace, the service account or the role."""

from datetime import timedelta

from daypass.portal.workloads.issuers.model import ID, UUID, ClaimField, IssuerKind, IssuerRules

AWS_CLAIMS = "/https:~1~1sts.amazonaws.com~1"
"""The JSON Pointer of the object in which AWS STS puts its claims."""

TERRAFORM = IssuerRules(
    kind=IssuerKind.TERRAFORM,
    label="HCP Terraform",
    issuer="https://app.terraform.io",
    issuer_pattern=r"https://app\.terraform\.io",
    issuer_help="https://app.terraform.io, or the address of Terraform Enterprise.",
    fields=(
        ClaimField(
            "terraform_organization_id",
            "Organization id",
            "It begins with org-. All organizations share the issuer.",
            is_required=True,
            pattern="org-[A-Za-z0-9]+",
            example="org-GRNbCjYNpBB6NEBH",
        ),
        ClaimField(
            "terraform_workspace_id",
            "Workspace id",
            "It begins with ws-, on the workspace's page.",
            is_required=True,
            pattern="ws-[A-Za-z0-9]+",
            example="ws-mbsd5E3Ktt5Rg2Xm",
        ),
        ClaimField(
            "terraform_run_phase",
            "Run phase",
            "plan or apply. A plan runs before its approval, so give it less.",
            is_required=True,
            pattern="plan|apply",
            example="apply",
        ),
    ),
    foreign_audience=r"(aws|gcp|azure|vault|hcp)\.workload\.identity",
    # A phase of a run gets one token at its start, and may need it at its end.
    longest=timedelta(hours=24),
    max_age=None,
)

KUBERNETES = IssuerRules(
    kind=IssuerKind.KUBERNETES,
    label="Kubernetes",
    issuer_pattern=(
        r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-F]{32}"
        r"|https://container\.googleapis\.com/v1/projects/[^/?#]+/locations/[^/?#]+/clusters/[^/?#]+"
    ),
    issuer_help="The issuer in the answer of kubectl get --raw /.well-known/openid-configuration. For a "
    "cluster "
    "that the portal cannot reach, paste its keys too.",
    fields=(
        ClaimField(
            "sub",
            "Subject",
            "The namespace and the name of the service account.",
            is_required=True,
            pattern="system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+",
            example="system:serviceaccount:build:deployer",
        ),
        ClaimField(
            "/kubernetes.io/serviceaccount/uid",
            "Service account UID",
            "The id that kubectl get serviceaccount NAME -o jsonpath={.metadata.uid} prints. It changes "
            "if the "
            "account is made again.",
            is_required=True,
            pattern=UUID,
        ),
    ),
    foreign_audience=r"https://kubernetes\.default\.svc.*|api|vault|sts\.amazonaws\.com",
    # A pod keeps its token for most of the hour before the kubelet replaces it.
    max_age=None,
    takes_keys=True,
)

AWS = IssuerRules(
    kind=IssuerKind.AWS,
    label="AWS STS",
    issuer_pattern=r"https://[0-9a-z-]+\.tokens\.sts\.global\.api\.aws",
    issuer_help="The issuer that aws iam get-outbound-web-identity-federation-info prints. Each account "
    "has its "
    "own.",
    fields=(
        ClaimField(
            "sub",
            "Role ARN",
            "The ARN of the IAM role that asks AWS for the token.",
            is_required=True,
            pattern=r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+",
            example="arn:aws:iam::123456789012:role/deployer",
        ),
        ClaimField(
            f"{AWS_CLAIMS}/aws_account",
            "AWS account id",
            "The account of the role.",
            is_required=True,
            pattern="[0-9]{12}",
            example="123456789012",
        ),
        ClaimField(
            f"{AWS_CLAIMS}/org_id",
            "Organization id",
            "The AWS organization of the account.",
            pattern="o-[a-z0-9]+",
        ),
    ),
)

GOOGLE = IssuerRules(
    kind=IssuerKind.GOOGLE,
    label="Google Cloud",
    issuer="https://accounts.google.com",
    issuer_pattern=r"https://accounts\.google\.com",
    issuer_help="https://accounts.google.com",
    fields=(
        ClaimField(
            "sub",
            "Unique id",
            "The number that gcloud iam service-accounts describe EMAIL shows as uniqueId. An e-mail "
            "address can "
            "be given to a new service account.",
            is_required=True,
            # Google's ids have 21 digits, which is more than those of other issuers.
            pattern=ID + "|[0-9]{21}",
            example="112233445566778899001",
        ),
    ),
)

OTHER = IssuerRules(
    kind=IssuerKind.OTHER,
    label="Another issuer",
    issuer_pattern="",
    issuer_help="An issuer that the operator allowed with DAYPASS_WORKLOAD_ISSUERS.",
    fields=(),
    one_of_help="Demand “sub” and an immutable id of the project or workload, such as project_id: names can "
    "be registered again by others. Without “sub”, demand the branch, environment or workflow too.",
    takes_keys=True,
)
