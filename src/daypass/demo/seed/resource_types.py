"""The types of a tenant's resources: how to read and write each, and AWS's error code for a denial."""

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from daypass.demo.aws import Aws
from daypass.demo.environment import Tenant
from daypass.demo.proof import CheckFailed
from daypass.demo.seed.fixtures import WELCOME

TEST_VALUE = "written-by-the-checklist"


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resource: `read` and `write` return a short text, `denied` is the service's error code.

    A write is a single call, because AWS could allow the first of several and deny the second.
    """

    name: str
    read: Callable[[Aws, Tenant], str]
    write: Callable[[Aws, Tenant], str]
    denied: str


def _read_bucket(aws: Aws, tenant: Tenant) -> str:
    bucket = tenant.plan.buckets[0]
    aws.s3.get_object(Bucket=bucket, Key=WELCOME)["Body"].read()
    return f"{aws.s3.list_objects_v2(Bucket=bucket)['KeyCount']} objects"


def _write_bucket(aws: Aws, tenant: Tenant) -> str:
    bucket = tenant.plan.buckets[0]
    aws.s3.put_object(
        Bucket=bucket, Key=f"{TEST_VALUE}.txt", Body=b"The checklist of the demo put this here.\n"
    )
    return "one written"


def _read_table(aws: Aws, tenant: Tenant) -> str:
    return f"{aws.dynamodb.scan(TableName=tenant.plan.table)['Count']} items"


def _write_table(aws: Aws, tenant: Tenant) -> str:
    aws.dynamodb.put_item(TableName=tenant.plan.table, Item={"id": {"S": TEST_VALUE}})
    return "one written"


def _read_queue(aws: Aws, tenant: Tenant) -> str:
    queue = aws.sqs.get_queue_attributes(QueueUrl=tenant.resources.queue_url, AttributeNames=["All"])
    return f"{queue['Attributes']['ApproximateNumberOfMessages']} messages waiting"


def _write_queue(aws: Aws, tenant: Tenant) -> str:
    aws.sqs.send_message(QueueUrl=tenant.resources.queue_url, MessageBody=TEST_VALUE)
    return "one sent"


def _read_topic(aws: Aws, tenant: Tenant) -> str:
    topic = aws.sns.get_topic_attributes(TopicArn=tenant.resources.topic_arn)["Attributes"]
    return f"{topic['SubscriptionsConfirmed']} subscribers"


def _write_topic(aws: Aws, tenant: Tenant) -> str:
    aws.sns.publish(TopicArn=tenant.resources.topic_arn, Message=TEST_VALUE)
    return "one message published"


def _read_stream(aws: Aws, tenant: Tenant) -> str:
    stream = aws.kinesis.describe_stream_summary(StreamName=tenant.plan.stream)["StreamDescriptionSummary"]
    return f"{stream['OpenShardCount']} shard"


def _write_stream(aws: Aws, tenant: Tenant) -> str:
    aws.kinesis.put_record(StreamName=tenant.plan.stream, Data=TEST_VALUE.encode(), PartitionKey=TEST_VALUE)
    return "one record written"


def _read_api(aws: Aws, tenant: Tenant) -> str:
    paths = aws.apigateway.get_resources(restApiId=tenant.resources.api_id)["items"]
    return f"{len(paths)} path"


def _write_api(aws: Aws, tenant: Tenant) -> str:
    aws.apigateway.update_rest_api(
        restApiId=tenant.resources.api_id,
        patchOperations=[{"op": "replace", "path": "/description", "value": TEST_VALUE}],
    )
    return "its description written"


RESOURCE_TYPES = (
    ResourceType("bucket", _read_bucket, _write_bucket, "AccessDenied"),
    ResourceType("table", _read_table, _write_table, "AccessDeniedException"),
    ResourceType("queue", _read_queue, _write_queue, "AccessDenied"),
    ResourceType("topic", _read_topic, _write_topic, "AuthorizationError"),
    ResourceType("stream", _read_stream, _write_stream, "AccessDeniedException"),
    ResourceType("API", _read_api, _write_api, "AccessDeniedException"),
)


def require_refusal(call: Callable[[], str], code: str) -> str:
    """Return *code* if AWS denies the call with it; raises `CheckFailed` otherwise."""
    try:
        outcome = call()
    except ClientError as error:
        actual = str(error.response["Error"]["Code"])
        if actual != code:
            raise CheckFailed(f"denied, but with {actual}") from error
        return actual
    raise CheckFailed(f"AWS allowed it ({outcome})")
