"""The policies of the demo's account: what each tenant may, and what the portal may."""

from daypass.demo.estate import MASTER_ROLE

Document = dict[str, object]

# AWS asks no resource for these, so they show the names of every tenant; what is inside stays closed.
LISTS = [
    "s3:ListAllMyBuckets",
    "dynamodb:ListTables",
    "sqs:ListQueues",
    "sns:ListTopics",
    "kinesis:ListStreams",
    "tag:GetResources",
]


def tenant_policy(prefix: str, account_id: str) -> Document:
    """Everything whose name begins with the prefix and a dash, and the lists."""
    return _document(
        _allow(
            ["s3:*", "dynamodb:*", "sqs:*", "sns:*", "kinesis:*"],
            [
                f"arn:aws:s3:::{prefix}-*",
                f"arn:aws:dynamodb:*:{account_id}:table/{prefix}-*",
                f"arn:aws:sqs:*:{account_id}:{prefix}-*",
                f"arn:aws:sns:*:{account_id}:{prefix}-*",
                f"arn:aws:kinesis:*:{account_id}:stream/{prefix}-*",
            ],
        ),
        _allow(LISTS, ["*"]),
    )


def api_policy(api_id: str) -> Document:
    """Everything in one API of API Gateway."""
    api = f"arn:aws:apigateway:*::/restapis/{api_id}"
    return _document(_allow(["apigateway:*"], [api, f"{api}/*"]))


def boundary() -> Document:
    """The most that any tenant's role may ever get: no IAM, and no other role."""
    services = ["s3:*", "dynamodb:*", "sqs:*", "sns:*", "kinesis:*", "apigateway:*"]
    return _document(_allow([*services, "tag:GetResources"], ["*"]))


def master_policy() -> Document:
    """All of the account."""
    return _document(_allow(["*"], ["*"]))


def portal_policy(account_id: str) -> Document:
    """Hand out the tenants' roles and the master role, and read and set how long each may last."""
    roles = [f"arn:aws:iam::{account_id}:role/{name}" for name in ("duploservices-*", MASTER_ROLE)]
    return _document(
        _allow(["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"], roles),
        _allow(["iam:GetRole", "iam:UpdateRole"], roles),
    )


def trust(portal_arn: str, external_id: str | None = None) -> Document:
    """Let the portal in and nobody else, knowing who it asks for; for a tenant only with its ExternalId."""
    statement: Document = {
        "Effect": "Allow",
        "Principal": {"AWS": portal_arn},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return _document(statement)


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], resources: list[str]) -> Document:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
