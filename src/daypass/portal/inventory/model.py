"""Resources, their kinds and their ARNs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daypass.portal.tenants.model import Tenant

OWNER_TAG = "TENANT_NAME"
"""The tag that names a resource's tenant."""

NAME_TAG = "Name"
"""The tag that names a resource whose ARN has no name."""


class Kind(StrEnum):
    """The listed kinds of resources, in display order."""

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
        """The singular, for a page title."""
        return _LABELS[self][0]

    @property
    def plural(self) -> str:
        """The plural."""
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
    """An ARN and its tags, as AWS returned them."""

    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceArn:
    """A parsed ARN."""

    arn: str
    kind: Kind
    partition: str
    region: str
    """Empty for kinds whose ARNs have no region."""
    account_id: str
    """Empty for kinds whose ARNs have no account."""
    id: str
    """The name, or the ID of a kind without names."""
    owned_name: str | None
    """The part of the name that begins with the tenant's prefix; None for a kind without names."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a tenant."""

    named: ResourceArn
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """The ARN."""
        return self.named.arn

    @property
    def kind(self) -> Kind:
        """The kind."""
        return self.named.kind

    @property
    def name(self) -> str:
        """The display name."""
        if self.named.owned_name is None:
            return self.tags.get(NAME_TAG) or self.named.id
        return self.named.id


@dataclass(frozen=True, slots=True)
class Listing:
    """The resources of one tenant at one moment, sorted by kind and ARN."""

    tenant: Tenant
    resources: tuple[Resource, ...]
    read_at: datetime
    is_complete: bool
    """Whether the listing is complete; it is cut for a very large tenant, or if AWS is slow."""

    def find(self, arn: str) -> Resource | None:
        """Return the resource of that exact ARN, or None."""
        return next((resource for resource in self.resources if resource.arn == arn), None)
