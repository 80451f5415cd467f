"""Resources: what they are called, what kind they are, and whose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daypass.portal.tenants.model import Tenant

OWNER_TAG = "TENANT_NAME"
"""The tag by which AWS knows a resource's tenant."""

NAME_TAG = "Name"
"""What people call a resource whose ARN has no name."""


class Kind(StrEnum):
    """The kinds of resource that are listed, in the order in which they are shown."""

    S3_BUCKET = "s3-bucket"
    DYNAMODB_TABLE = "dynamodb-table"
    SQS_QUEUE = "sqs-queue"
    SNS_TOPIC = "sns-topic"
    KINESIS_STREAM = "kinesis-stream"
    API_GATEWAY = "api-gateway"
    LAMBDA_FUNCTION = "lambda-function"
    RDS_DATABASE = "rds-database"
    SECRET = "secret"  # noqa: S105  a kind, not a value
    LOG_GROUP = "log-group"

    @property
    def label(self) -> str:
        """The kind as a page's title."""
        return _LABELS[self][0]

    @property
    def plural(self) -> str:
        """Several of the kind."""
        return _LABELS[self][1]


_LABELS = {
    Kind.S3_BUCKET: ("S3 Bucket", "S3 Buckets"),
    Kind.DYNAMODB_TABLE: ("DynamoDB Table", "DynamoDB Tables"),
    Kind.SQS_QUEUE: ("SQS Queue", "SQS Queues"),
    Kind.SNS_TOPIC: ("SNS Topic", "SNS Topics"),
    Kind.KINESIS_STREAM: ("Kinesis Stream", "Kinesis Streams"),
    Kind.API_GATEWAY: ("API Gateway API", "API Gateway APIs"),
    Kind.LAMBDA_FUNCTION: ("Lambda Function", "Lambda Functions"),
    Kind.RDS_DATABASE: ("RDS Database", "RDS Databases"),
    Kind.SECRET: ("Secret", "Secrets"),
    Kind.LOG_GROUP: ("Log Group", "Log Groups"),
}

ORDER: Mapping[Kind, int] = {kind: position for position, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class TaggedArn:
    """One ARN and its tags, as AWS gave them."""

    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceArn:
    """What an ARN says of itself."""

    arn: str
    kind: Kind
    partition: str
    region: str
    """Empty for kinds whose ARNs have no region."""
    account_id: str
    """Empty for kinds whose ARNs have no account."""
    id: str
    """The name, or what stands in its place."""
    owned_name: str | None
    """The part of the name that begins with its tenant's; None where the ARN has no name."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a tenant owns."""

    named: ResourceArn
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.named.arn

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return self.named.kind

    @property
    def name(self) -> str:
        """What people call it."""
        if self.named.owned_name is None:
            return self.tags.get(NAME_TAG) or self.named.id
        return self.named.id


@dataclass(frozen=True, slots=True)
class Listing:
    """What one tenant owned at one moment, by kind and then by ARN."""

    tenant: Tenant
    resources: tuple[Resource, ...]
    read_at: datetime
    is_whole: bool
    """Whether AWS gave all of it; a very large tenant is cut, and so is one that AWS is slow about."""

    def find(self, arn: str) -> Resource | None:
        """The resource of that very ARN."""
        return next((resource for resource in self.resources if resource.arn == arn), None)
