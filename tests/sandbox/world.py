"""Builders of test data in the sandbox: users, roles, policies, and a resource of each kind."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, client

ALL_OF_STS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def document(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """Return an Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trust(principal: str, actions: Any = ALL_OF_STS, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """Return a statement of a trust policy."""
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, **more}


@dataclass(slots=True)
class World:
    """A builder of IAM objects, under names that are unique to a test."""

    sandbox: SandboxProcess
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")

    def client(self, service: str, keys: Keys | None = None) -> Any:  # noqa: ANN401  boto3's type
        """Return a client with *keys*, or with the root key."""
        return client(self.sandbox, service, keys)

    def user(self, *statements: dict[str, Any], suffix: str = "portal") -> tuple[str, Keys]:
        """Create an IAM user and return its ARN and keys. Without *statements* it may call all of STS."""
        iam, name = self.client("iam"), f"{self.name}-{suffix}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        policy = document(*(statements or (allow("sts:*"),)))
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return arn, Keys(key["AccessKeyId"], key["SecretAccessKey"])

    def role(
        self, trusted: dict[str, Any], *statements: dict[str, Any], suffix: str = "role", hours: int = 1
    ) -> str:
        """Create a role and return its ARN."""
        iam, name = self.client("iam"), f"{self.name}-{suffix}"
        arn: str = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=document(trusted), MaxSessionDuration=hours * 3600
        )["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return arn

    def assume(self, keys: Keys, role_arn: str, session: str = "dana@example.com", **more: object) -> Keys:
        """Assume a role and return the session's keys."""
        sts = self.client("sts", keys)
        return Keys.of(sts.assume_role(RoleArn=role_arn, RoleSessionName=session, **more)["Credentials"])


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of one tenant, one of each kind."""

    prefix: str
    bucket: str
    table: str
    queue_url: str
    topic_arn: str
    stream: str


def make_resources(world: World, prefix: str) -> Resources:
    """Create a resource of each kind, tagged with the tenant's name."""
    bucket, table, stream = f"{prefix}-files", f"{prefix}-things", f"{prefix}-events"
    s3, dynamodb, kinesis = world.client("s3"), world.client("dynamodb"), world.client("kinesis")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "TENANT_NAME", "Value": prefix}]})
    s3.put_object(Bucket=bucket, Key="hello.txt", Body=b"hello")
    tags = [{"Key": "TENANT_NAME", "Value": prefix}]
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tags,
    )
    queue_url = world.client("sqs").create_queue(QueueName=f"{prefix}-jobs", tags={"TENANT_NAME": prefix})[
        "QueueUrl"
    ]
    topic_arn = world.client("sns").create_topic(Name=f"{prefix}-news", Tags=tags)["TopicArn"]
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"TENANT_NAME": prefix})
    return Resources(prefix, bucket, table, queue_url, topic_arn, stream)


def own_resources(world: World, prefix: str) -> dict[str, Any]:
    """Return a statement that allows everything on resources with *prefix*, and nothing else."""
    account, region = world.sandbox.account_id, world.sandbox.region
    return allow(
        ["s3:*", "dynamodb:*", "sqs:*", "sns:*", "kinesis:*"],
        [f"arn:aws:s3:::{prefix}-*"]
        + [f"arn:aws:{service}:{region}:{account}:{prefix}-*" for service in ("sqs", "sns")]
        + [
            f"arn:aws:dynamodb:{region}:{account}:table/{prefix}-*",
            f"arn:aws:kinesis:{region}:{account}:stream/{prefix}-*",
        ],
    )
