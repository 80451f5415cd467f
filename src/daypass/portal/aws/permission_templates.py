"""The templates of permission sets, which Administrators may start from."""

from collections.abc import Sequence

from daypass.portal.aws.policies import read_only_limits
from daypass.portal.permission_sets.model import PermissionSetTemplate, Statement

# A session that starts code gets the rights of that code's role, which no session policy reduces.
_RUNS_CODE = (
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "ecs:ExecuteCommand",
    "ecs:RunTask",
    "ecs:StartTask",
    "ssm:StartSession",
    "ssm:SendCommand",
    "codebuild:StartBuild*",
    "glue:StartJobRun",
    "batch:SubmitJob",
)
# IAM accepts no wildcard in the name of a service, so the services are listed.
_CREATES_AND_DELETES = (
    *(
        f"{service}:{verb}*"
        for service in (
            "dynamodb",
            "ec2",
            "ecs",
            "kinesis",
            "lambda",
            "rds",
            "s3",
            "secretsmanager",
        )
        for verb in ("Create", "Delete")
    ),
    "apigateway:DELETE",
    "apigateway:POST",
    "apigateway:PUT",
    "cloudformation:*Stack",
    "ec2:RunInstances",
    "ec2:TerminateInstances",
    "ecs:RegisterTaskDefinition",
    "lambda:PublishLayerVersion",
    "sns:*Topic",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
)
_POLICIES = ("iam:*", "lambda:*Permission", "s3:Put*Policy", "s3:Put*Acl", "secretsmanager:*ResourcePolicy")
_SECRETS = ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "ssm:GetParameter*")


def templates() -> Sequence[PermissionSetTemplate]:
    """Return the templates, the highest rank first."""
    return (
        PermissionSetTemplate(
            "operator",
            "Operates what exists: runs no code, creates and deletes nothing, changes no policy.",
            500,
            (),
            (
                _deny("NoCode", _RUNS_CODE),
                _deny("NoChange", _CREATES_AND_DELETES),
                _deny("NoPolicy", _POLICIES),
            ),
        ),
        PermissionSetTemplate(
            "data-reader",
            "Reads data, but no secrets, and changes nothing.",
            100,
            ("aws:ReadOnlyAccess",),
            (_deny("NoSecrets", _SECRETS), *_reads_with_effects()),
        ),
    )


def _reads_with_effects() -> Sequence[Statement]:
    statements = read_only_limits()["Statement"]
    assert isinstance(statements, list)  # noqa: S101  `document` builds it
    return statements


def _deny(sid: str, actions: Sequence[str]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": "*"}
