"""The five kinds of things that a tenant owns: what may be done with each, and how AWS says no."""

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from daypass.demo.aws import Aws
from daypass.demo.estate import WELCOME
from daypass.demo.proof import Unproven
from daypass.demo.world import Tenant

NOTE = "daypass-was-here"
"""What the proof writes, and takes away again where it can."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing; `read` and `write` answer what was done, `denied` is how its service says no."""

    name: str
    read: Callable[[Aws, Tenant], str]
    write: Callable[[Aws, Tenant], str]
    denied: str


def _read_bucket(aws: Aws, tenant: Tenant) -> str:
    bucket = tenant.plan.buckets[0]
    aws.s3.get_object(Bucket=bucket, Key=WELCOME)["Body"].read()
    count = aws.s3.list_objects_v2(Bucket=bucket)["KeyCount"]
    return f"{bucket}: {count} objects"


def _write_bucket(aws: Aws, tenant: Tenant) -> str:
    bucket = tenant.plan.buckets[0]
    aws.s3.put_object(Bucket=bucket, Key=NOTE, Body=b"")
    aws.s3.delete_object(Bucket=bucket, Key=NOTE)
    return "an object put and deleted"


def _read_table(aws: Aws, tenant: Tenant) -> str:
    count = aws.dynamodb.scan(TableName=tenant.plan.table)["Count"]
    return f"{tenant.plan.table}: {count} items"


def _write_table(aws: Aws, tenant: Tenant) -> str:
    aws.dynamodb.put_item(TableName=tenant.plan.table, Item={"id": {"S": NOTE}})
    aws.dynamodb.delete_item(TableName=tenant.plan.table, Key={"id": {"S": NOTE}})
    return "an item put and deleted"


def _read_queue(aws: Aws, tenant: Tenant) -> str:
    aws.sqs.get_queue_attributes(QueueUrl=tenant.resources.queue_url, AttributeNames=["All"])
    return tenant.plan.queue


def _write_queue(aws: Aws, tenant: Tenant) -> str:
    url = tenant.resources.queue_url
    aws.sqs.send_message(QueueUrl=url, MessageBody=NOTE)
    for message in aws.sqs.receive_message(QueueUrl=url)["Messages"]:
        aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return "a message sent and received"


def _read_topic(aws: Aws, tenant: Tenant) -> str:
    aws.sns.get_topic_attributes(TopicArn=tenant.resources.topic_arn)
    return tenant.plan.topic


def _write_topic(aws: Aws, tenant: Tenant) -> str:
    aws.sns.publish(TopicArn=tenant.resources.topic_arn, Message=NOTE)
    return "a message published"


def _read_stream(aws: Aws, tenant: Tenant) -> str:
    aws.kinesis.describe_stream_summary(StreamName=tenant.plan.stream)
    return tenant.plan.stream


def _write_stream(aws: Aws, tenant: Tenant) -> str:
    aws.kinesis.put_record(StreamName=tenant.plan.stream, Data=NOTE.encode(), PartitionKey=NOTE)
    return "a record written"


KINDS = (
    Kind("bucket", _read_bucket, _write_bucket, "AccessDenied"),
    Kind("table", _read_table, _write_table, "AccessDeniedException"),
    Kind("queue", _read_queue, _write_queue, "AccessDenied"),
    Kind("topic", _read_topic, _write_topic, "AuthorizationError"),
    Kind("stream", _read_stream, _write_stream, "AccessDeniedException"),
)


def refused(call: Callable[[], str], code: str) -> str:
    """The code with which AWS refuses; it is unproven that AWS refuses when there is none, or another."""
    try:
        done = call()
    except ClientError as error:
        found = str(error.response["Error"]["Code"])
        if found != code:
            raise Unproven(f"refused, but with {found}") from error
        return found
    raise Unproven(f"AWS allowed it ({done})")
