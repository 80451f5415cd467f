"""Requests that the fence must allow or deny, beside those derived from the catalogue's examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from daypass.portal.aws.fence.model import Example
from tests.evaluator.run import ACCOUNT_ID, Request, decide
from tests.portal.aws.fence.rights import (
    OTHER_ACCOUNT_ID,
    TAG,
    Case,
    derived,
    request,
    rights,
    tagged,
    tagging,
)

HERE = f"us-east-1:{ACCOUNT_ID}"
OWN_ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev01"

NAMED = {
    "s3:GetObject": "s3:::{name}-b/k",
    "s3:ListBucket": "s3:::{name}-b",
    "dynamodb:GetItem": "dynamodb:{here}:table/{name}-t",
    "sqs:SendMessage": "sqs:{here}:{name}-q",
    "sns:Publish": "sns:{here}:{name}-t",
    "kinesis:PutRecord": "kinesis:{here}:stream/{name}-s",
    "lambda:InvokeFunction": "lambda:{here}:function:{name}-f",
    "secretsmanager:GetSecretValue": "secretsmanager:{here}:secret:{name}-s-AbCdEf",
    "ssm:GetParameter": "ssm:{here}:parameter/{name}-p",
    "logs:FilterLogEvents": "logs:{here}:log-group:/aws/lambda/{name}-f",
    "rds:DeleteDBInstance": "rds:{here}:db:{name}-d",
    "ecs:UpdateService": "ecs:{here}:service/{name}-c/w",
    "states:StartExecution": "states:{here}:stateMachine:{name}-m",
    "es:ESHttpGet": "es:{here}:domain/{name}-d",
    "cloudformation:DeleteStack": "cloudformation:{here}:stack/{name}-s/1",
    "ecr:BatchGetImage": "ecr:{here}:repository/{name}-r",
    "events:PutRule": "events:{here}:rule/{name}-r",
    "elasticache:DeleteReplicationGroup": "elasticache:{here}:replicationgroup:{name}-g",
    "codebuild:StartBuild": "codebuild:{here}:project/{name}-p",
    "glue:StartJobRun": "glue:{here}:job/{name}-j",
}

BY_TAG = {
    "ec2:StopInstances": "ec2:{here}:instance/i-0a",
    "ec2:DeleteVolume": "ec2:{here}:volume/vol-0a",
    "ec2:AuthorizeSecurityGroupIngress": "ec2:{here}:security-group/sg-0a",
    "ssm:StartSession": "ec2:{here}:instance/i-0a",
    "kms:Decrypt": "kms:{here}:key/1a",
    "elasticfilesystem:DeleteFileSystem": "elasticfilesystem:{here}:file-system/fs-0a",
    "apigateway:PATCH": "apigateway:us-east-1::/restapis/abc",
    "acm:DeleteCertificate": "acm:{here}:certificate/1a",
    "cloudfront:UpdateDistribution": f"cloudfront::{ACCOUNT_ID}:distribution/E1",
    "eks:DescribeCluster": "eks:{here}:cluster/shared",
}

Keys = Mapping[str, Any]
Row = tuple[str, str, Keys]

GROUP = f"autoscaling:{HERE}:autoScalingGroup:u:autoScalingGroupName/duploservices-dev01-g"
BALANCER = f"elasticloadbalancing:{HERE}:loadbalancer/app/duploservices-dev01-l/1"
SECRET = f"secretsmanager:{HERE}:secret:duploservices-dev01-s-AbCdEf"
INSTANCE, VOLUME = f"ec2:{HERE}:instance/", f"ec2:{HERE}:volume/"
OF_LAUNCH = {"ec2:CreateAction": "RunInstances"}


def passed_to(service: str) -> Mapping[str, str]:
    return {"iam:PassedToService": f"{service}.amazonaws.com"}


ALLOWED: Sequence[Row] = (
    ("ec2:RunInstances", f"{INSTANCE}*", tagging("dev01")),
    ("ec2:RunInstances", f"{INSTANCE}*", tagging("dev01", "tenant_name")),
    ("ec2:RunInstances", f"ec2:{HERE}:subnet/subnet-1", {}),
    ("ec2:CreateTags", f"{INSTANCE}*", tagging("dev01") | OF_LAUNCH),
    ("ec2:DeleteTags", f"{INSTANCE}i-0a", tagged("dev01") | {"aws:TagKeys": ["Name"]}),
    ("ec2:CreateVolume", f"{VOLUME}*", tagging("dev01")),
    ("elasticfilesystem:CreateFileSystem", "*", tagging("dev01")),
    ("s3:CreateBucket", "s3:::duploservices-dev01-n", {}),
    ("iam:PassRole", OWN_ROLE, passed_to("lambda")),
    ("ssm:SendCommand", f"{INSTANCE}i-0a", tagged("dev01")),
    ("ssm:SendCommand", f"ssm:{HERE}:document/AWS-RunShellScript", {}),
    ("ssm:StartSession", f"ssm:{HERE}:document/SSM-SessionManagerRunShell", {}),
    ("ssm:TerminateSession", f"ssm:{HERE}:session/AROAX:ada-0f", {"aws:userid": "AROAX:ada"}),
    ("ecs:ExecuteCommand", f"ecs:{HERE}:task/duploservices-dev01-c/1a", {}),
    ("rds-db:connect", f"rds-db:{HERE}:dbuser:db-ABC/dev01_app", {}),
    ("athena:StartQueryExecution", f"athena:{HERE}:workgroup/duploservices-dev01-w", {}),
    ("bedrock:InvokeModel", "bedrock:us-east-1::foundation-model/x", {}),
    ("sts:GetCallerIdentity", "*", {}),
    ("s3:ListAllMyBuckets", "*", {}),
    ("secretsmanager:ListSecrets", "*", {}),
    ("route53:ListHostedZones", "*", {}),
    ("ecr:GetAuthorizationToken", "*", {}),
    ("ec2:DescribeInstances", "*", {}),
)

TAGS: Sequence[Row] = (
    ("ec2:RunInstances", f"{INSTANCE}*", {}),
    ("ec2:RunInstances", f"{INSTANCE}*", tagging("dev02")),
    ("ec2:RunInstances", f"{VOLUME}*", {}),
    ("ec2:RunInstances", f"ec2:{HERE}:subnet/subnet-1", tagged("dev02")),
    ("ec2:RunInstances", "ec2:us-east-1::image/ami-1", tagged("dev02")),
    ("ec2:CreateVolume", "ec2:us-east-1::snapshot/snap-1", tagged("dev02")),
    ("ec2:CreateTags", f"{INSTANCE}*", tagging("dev02") | OF_LAUNCH),
    ("ec2:CreateTags", f"{INSTANCE}i-0b", tagging("dev01")),
    ("ec2:CreateTags", f"{INSTANCE}i-0b", tagging("dev01", "Tenant_Name")),
    ("ec2:CreateTags", f"{INSTANCE}i-0b", tagging("dev01") | tagged("dev02")),
    ("ec2:DeleteTags", f"{INSTANCE}i-0a", tagged("dev01") | {"aws:TagKeys": [TAG]}),
    ("ec2:DeleteTags", f"{INSTANCE}i-0a", tagged("dev01") | {"aws:TagKeys": ["tenant_Name"]}),
    ("ec2:DeleteTags", f"{INSTANCE}i-0a", tagged("dev01") | tagging("dev01")),
    ("kms:CreateKey", "*", {}),
    ("kms:TagResource", f"kms:{HERE}:key/1a", tagging("dev01")),
    ("kms:UntagResource", f"kms:{HERE}:key/1a", tagged("dev01") | {"aws:TagKeys": [TAG]}),
    ("elasticfilesystem:TagResource", f"elasticfilesystem:{HERE}:file-system/fs-0b", tagging("dev01")),
    ("tag:TagResources", "*", tagging("dev01")),
    ("sqs:TagQueue", f"sqs:{HERE}:duploservices-dev01-q", tagging("dev02")),
    ("sqs:UntagQueue", f"sqs:{HERE}:duploservices-dev01-q", {"aws:TagKeys": [TAG]}),
    ("rds:RemoveTagsFromResource", f"rds:{HERE}:db:duploservices-dev01-d", tagging("dev01")),
    (
        "autoscaling:DeleteTags",
        GROUP,
        tagging("dev01"),
    ),
    ("acm:RemoveTagsFromCertificate", f"acm:{HERE}:certificate/1a", tagged("dev01") | tagging("dev01")),
    (
        "elasticloadbalancing:RemoveTags",
        BALANCER,
        tagged("dev01") | tagging("dev01"),
    ),
)

GRANTS: Sequence[Row] = (
    ("s3:PutBucketPolicy", "s3:::duploservices-dev01-b", {}),
    ("s3:PutBucketAcl", "s3:::duploservices-dev01-b", {}),
    ("sqs:AddPermission", f"sqs:{HERE}:duploservices-dev01-q", {}),
    ("sns:AddPermission", f"sns:{HERE}:duploservices-dev01-t", {}),
    ("dynamodb:PutResourcePolicy", f"dynamodb:{HERE}:table/duploservices-dev01-t", {}),
    ("kinesis:PutResourcePolicy", f"kinesis:{HERE}:stream/duploservices-dev01-s", {}),
    ("lambda:AddPermission", f"lambda:{HERE}:function:duploservices-dev01-f", {}),
    ("lambda:CreateFunctionUrlConfig", f"lambda:{HERE}:function:duploservices-dev01-f", {}),
    ("secretsmanager:PutResourcePolicy", SECRET, {}),
    ("kms:CreateGrant", f"kms:{HERE}:key/1a", tagged("dev01")),
    ("kms:CreateKey", "*", tagging("dev01")),
    ("kms:PutKeyPolicy", f"kms:{HERE}:key/1a", tagged("dev01")),
    ("logs:PutResourcePolicy", "*", {}),
    ("ecr:SetRepositoryPolicy", f"ecr:{HERE}:repository/duploservices-dev01-r", {}),
    ("eks:CreateAccessEntry", f"eks:{HERE}:cluster/duploservices-dev01-c", {}),
    ("events:PutPermission", "*", {}),
    ("glue:PutResourcePolicy", f"glue:{HERE}:catalog", {}),
    ("es:UpdateDomainConfig", f"es:{HERE}:domain/duploservices-dev01-d", {}),
    ("elasticfilesystem:PutFileSystemPolicy", f"elasticfilesystem:{HERE}:file-system/fs-0a", tagged("dev01")),
    ("codebuild:PutResourcePolicy", f"codebuild:{HERE}:project/duploservices-dev01-p", {}),
)

FORWARDING: Sequence[Row] = (
    ("s3:PutReplicationConfiguration", "s3:::duploservices-dev01-b", {}),
    ("s3:PutBucketNotification", "s3:::duploservices-dev01-b", {}),
    ("s3:GetObject", "s3:::duploservices-dev01-e/k", {"aws:ResourceAccount": OTHER_ACCOUNT_ID}),
    ("sqs:CreateQueue", f"sqs:{HERE}:duploservices-dev01-n", {}),
    ("sqs:SetQueueAttributes", f"sqs:{HERE}:duploservices-dev01-q", {}),
    ("dynamodb:ExportTableToPointInTime", f"dynamodb:{HERE}:table/duploservices-dev01-t", {}),
    ("logs:PutSubscriptionFilter", f"logs:{HERE}:log-group:duploservices-dev01-g", {}),
    ("logs:CreateExportTask", f"logs:{HERE}:log-group:duploservices-dev01-g", {}),
    ("ec2:ModifySnapshotAttribute", "ec2:us-east-1::snapshot/snap-1", tagged("dev01")),
    ("ec2:ModifyImageAttribute", "ec2:us-east-1::image/ami-1", tagged("dev01")),
    ("rds:ModifyDBSnapshotAttribute", f"rds:{HERE}:snapshot:duploservices-dev01-s", {}),
    ("rds:StartExportTask", f"rds:{HERE}:snapshot:duploservices-dev01-s", {}),
    (
        "secretsmanager:ReplicateSecretToRegions",
        f"secretsmanager:{HERE}:secret:duploservices-dev01-s-AbCdEf",
        {},
    ),
    (
        "events:PutTargets",
        f"events:{HERE}:rule/duploservices-dev01-r",
        {"events:TargetArn": [f"arn:aws:sqs:{HERE}:duploservices-dev02-q"]},
    ),
    ("ram:CreateResourceShare", "*", {}),
)

ESCALATION: Sequence[Row] = (
    ("iam:PassRole", OWN_ROLE, {}),
    ("iam:PassRole", OWN_ROLE, passed_to("cloudformation")),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev02", passed_to("lambda")),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev012", passed_to("ec2")),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/duplomaster", passed_to("ec2")),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/daypass-set-dev01-x", passed_to("lambda")),
    ("iam:TagRole", OWN_ROLE, {}),
    ("iam:CreateRole", f"{OWN_ROLE}-r", {}),
    ("iam:PutRolePolicy", OWN_ROLE, {}),
    ("iam:UpdateAssumeRolePolicy", OWN_ROLE, {}),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev02", {}),
    ("sts:TagSession", f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev02", {}),
    ("organizations:LeaveOrganization", "*", {}),
    ("ec2:AssociateIamInstanceProfile", f"{INSTANCE}i-0a", tagged("dev01")),
    ("lambda:CreateEventSourceMapping", "*", {}),
    (
        "cloudformation:CreateStack",
        f"cloudformation:{HERE}:stack/duploservices-dev01-s/*",
        {"cloudformation:RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/admin"},
    ),
    ("cloudformation:CreateStackSet", "*", {}),
    ("cloudformation:CreateResource", "*", {}),
    ("ssm:StartAutomationExecution", f"ssm:{HERE}:automation-definition/AWS-StopEC2Instance:1", {}),
    ("ssm:SendCommand", f"{INSTANCE}i-0b", tagged("dev02")),
    ("ssm:SendCommand", f"ssm:{HERE}:document/AWS-RunRemoteScript", {}),
    ("ssm:TerminateSession", f"ssm:{HERE}:session/AROAX:bob-0f", {"aws:userid": "AROAX:ada"}),
    ("ssm:GetParametersByPath", f"ssm:{HERE}:parameter/x", {}),
    ("secretsmanager:BatchGetSecretValue", "*", {}),
    ("ecs:ExecuteCommand", f"ecs:{HERE}:task/duploservices-dev02-c/1a", {}),
    ("ecs:ExecuteCommand", f"ecs:{HERE}:task/shared/1a", tagged("dev02")),
    ("glue:GetTable", f"glue:{HERE}:table/duploservices-dev02-db/t", {}),
    ("athena:StartQueryExecution", f"athena:{HERE}:workgroup/primary", {}),
    ("bedrock:PutModelInvocationLoggingConfiguration", "*", {}),
    ("route53:ChangeResourceRecordSets", "route53:::hostedzone/Z1", {}),
    ("rds-db:connect", f"rds-db:{HERE}:dbuser:db-ABC/dev02_app", {}),
)


def rows(table: Sequence[Row]) -> list[Request]:
    return [
        request(action, resource if resource.startswith(("*", "arn:")) else f"arn:aws:{resource}", keys)
        for action, resource, keys in table
    ]


def permitted(requests: Sequence[Request]) -> set[str]:
    attempts = [(rights(made.action), made) for made in requests]
    return {str(made) for made, is_allowed in zip(requests, decide(attempts), strict=True) if is_allowed}


def example(action: str, resource: str, *, by_tag: bool) -> Example:
    arn = "arn:aws:" + resource.replace("{here}", HERE)
    return Example(action=action, resource=arn, fence="tag" if by_tag else "name")


def test_resources_are_told_by_their_names() -> None:
    cases = [case for action, arn in NAMED.items() for case in derived(example(action, arn, by_tag=False))]

    assert _wrong(cases) == []
    assert len(cases) >= 100


def test_resources_without_names_are_told_by_their_tags() -> None:
    cases = [case for action, arn in BY_TAG.items() for case in derived(example(action, arn, by_tag=True))]

    assert _wrong(cases) == []


def _wrong(cases: Sequence[Case]) -> list[str]:
    decided = permitted([case.request for case in cases])
    return [case.name for case in cases if (str(case.request) in decided) != case.is_allowed]


def test_everyday_requests_of_a_tenant_are_allowed() -> None:
    requests = rows(ALLOWED)

    assert {str(made) for made in requests} - permitted(requests) == set()


HARM = {"tags": TAGS, "grants": GRANTS, "forwarding": FORWARDING, "escalation": ESCALATION}


@pytest.mark.parametrize("kind", HARM)
def test_harmful_requests_are_denied(kind: str) -> None:
    assert permitted(rows(HARM[kind])) == set()


def test_a_role_without_the_tag_of_its_tenant_can_do_nothing() -> None:
    untagged = [
        Request(
            made.action,
            made.resource,
            {key: value for key, value in made.context.items() if not key.startswith("aws:PrincipalTag")},
        )
        for made in rows(ALLOWED)
        # AWS always allows this one.
        if made.action != "sts:GetCallerIdentity"
    ]

    assert permitted(untagged) == set()
