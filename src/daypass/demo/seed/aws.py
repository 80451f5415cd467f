"""Seeding of the demo's AWS account, at each start, because the sandbox has it in memory only."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from daypass.demo.aws import Aws, Keys
from daypass.demo.seed.fixtures import (
    INLINE_TENANT,
    MASTER_ROLE,
    ORDERS,
    PORTAL_USER,
    ROLE_PREFIX,
    WELCOME,
    TenantPlan,
)
from daypass.portal.accounts.model import BOUNDARY, Account, Generation
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.iam import make_master_role
from daypass.portal.aws.tenant_role import make_tenant_role
from daypass.portal.clock import utc_now
from daypass.portal.secret import Secret


class _Tag(TypedDict):
    Key: str
    Value: str


@dataclass(frozen=True, slots=True)
class TenantResources:
    """The identifiers that AWS chose for resources of a tenant."""

    queue_url: str
    topic_arn: str
    api_id: str


def seed_identities(aws: Aws, account_id: str, plans: Sequence[TenantPlan]) -> Keys:
    """Create the portal's user and all roles; return the portal's keys.

    These are the long-term keys of a user, since AWS limits sessions from a role's keys to one hour.
    """
    iam = aws.iam
    account = Account.known("aws", account_id, ROLE_PREFIX, MASTER_ROLE)
    user_arn = iam.create_user(UserName=PORTAL_USER)["User"]["Arn"]
    iam.put_user_policy(
        UserName=PORTAL_USER,
        PolicyName="daypass",
        PolicyDocument=policies.to_json(policies.portal_policy(account)),
    )
    # Before the roles, which AWS creates only if the boundary and the attached policies exist.
    for name, document in {BOUNDARY: policies.boundary(account), **shared_policies(account)}.items():
        iam.create_policy(PolicyName=name, PolicyDocument=policies.to_json(document))
    for plan in plans:
        generation = Generation.INLINE if plan.name == INLINE_TENANT else Generation.SHARED
        make_tenant_role(iam, account, plan.name, plan.external_id, user_arn, generation)
    make_master_role(iam, account, user_arn)
    key = iam.create_access_key(UserName=PORTAL_USER)["AccessKey"]
    return Keys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))


def seed_tenant(aws: Aws, plan: TenantPlan) -> TenantResources:
    """Create the resources of one tenant."""
    _seed_buckets(aws, plan)
    _seed_table(aws, plan)
    aws.kinesis.create_stream(StreamName=plan.stream, ShardCount=1)
    aws.kinesis.add_tags_to_stream(StreamName=plan.stream, Tags={"TENANT_NAME": plan.name})
    _seed_function(aws, plan)
    return TenantResources(
        queue_url=aws.sqs.create_queue(
            QueueName=plan.queue,
            # The doctor would warn of a queue that accepts the dead letters of any other.
            Attributes={"RedriveAllowPolicy": '{"redrivePermission": "denyAll"}'},
            tags={"TENANT_NAME": plan.name},
        )["QueueUrl"],
        topic_arn=aws.sns.create_topic(Name=plan.topic, Tags=_tags(plan))["TopicArn"],
        api_id=_seed_api(aws, plan),
    )


def _seed_api(aws: Aws, plan: TenantPlan) -> str:
    """Create the API; the sandbox ignores tags in API policies, so the role's policy names its id."""
    tags = {"TENANT_NAME": plan.name, "Name": plan.api}
    api_id = aws.apigateway.create_rest_api(name=plan.api, tags=tags)["id"]
    account = Account.known("aws", plan.account_id, ROLE_PREFIX, MASTER_ROLE)
    policy = policies.to_json(policies.api_policy(account, api_id))
    aws.iam.put_role_policy(RoleName=plan.prefix, PolicyName="api", PolicyDocument=policy)
    return api_id


def _seed_buckets(aws: Aws, plan: TenantPlan) -> None:
    for bucket in plan.buckets:
        aws.s3.create_bucket(Bucket=bucket)
        aws.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tags(plan)})
        aws.s3.put_object(Bucket=bucket, Key=WELCOME, Body=f"Welcome to {bucket}.\n".encode())
        aws.s3.put_object(Bucket=bucket, Key="2026/numbers.csv", Body=b"month,orders\nJanuary,3\n")


def _seed_table(aws: Aws, plan: TenantPlan) -> None:
    aws.dynamodb.create_table(
        TableName=plan.table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=_tags(plan),
    )
    for order in ORDERS:
        aws.dynamodb.put_item(
            TableName=plan.table, Item={"id": {"S": order["id"]}, "status": {"S": order["status"]}}
        )


def _seed_function(aws: Aws, plan: TenantPlan) -> None:
    """Create the function, with a role of its own, and a log group with an event."""
    tags = {"TENANT_NAME": plan.name}
    role = aws.iam.create_role(
        RoleName=plan.function,
        AssumeRolePolicyDocument=policies.to_json(
            policies.document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            )
        ),
        Tags=_tags(plan),
    )["Role"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event\n")
    aws.functions.create_function(
        FunctionName=plan.function,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": package.getvalue()},
        Tags=tags,
    )
    aws.logs.create_log_group(logGroupName=plan.log_group, tags=tags)
    aws.logs.create_log_stream(logGroupName=plan.log_group, logStreamName="worker")
    event = {"timestamp": int(utc_now().timestamp() * 1000), "message": "3 orders were processed."}
    aws.logs.put_log_events(logGroupName=plan.log_group, logStreamName="worker", logEvents=[event])


def _tags(plan: TenantPlan) -> list[_Tag]:
    return [{"Key": "TENANT_NAME", "Value": plan.name}]
