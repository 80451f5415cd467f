"""A read and a write call for each service, and its error codes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.world import Resources

Call = Callable[[Any, Resources], Any]


@dataclass(frozen=True, slots=True)
class Service:
    """The calls and error codes of one service."""

    name: str
    read: Call
    write: Call
    denied: tuple[str, int]
    expired: tuple[str, int]
    wrong_secret: tuple[str, int]
    unknown_key: tuple[str, int]
    missing_token: tuple[str, int]
    unsigned: tuple[str, int]


_QUERY = {
    "expired": ("ExpiredToken", 403),
    "wrong_secret": ("SignatureDoesNotMatch", 403),
    "unknown_key": ("InvalidClientTokenId", 403),
    "missing_token": ("InvalidClientTokenId", 403),
}
_JSON = {
    "denied": ("AccessDeniedException", 400),
    "expired": ("ExpiredTokenException", 400),
    "wrong_secret": ("InvalidSignatureException", 400),
    "unknown_key": ("UnrecognizedClientException", 400),
    "missing_token": ("UnrecognizedClientException", 400),
    "unsigned": ("MissingAuthenticationTokenException", 400),
}

SERVICES = (
    Service(
        "s3",
        read=lambda s3, its: s3.get_object(Bucket=its.bucket, Key="hello.txt"),
        write=lambda s3, its: s3.put_object(Bucket=its.bucket, Key="new.txt", Body=b"new"),
        denied=("AccessDenied", 403),
        expired=("ExpiredToken", 400),
        wrong_secret=("SignatureDoesNotMatch", 403),
        unknown_key=("InvalidAccessKeyId", 403),
        missing_token=("InvalidAccessKeyId", 403),
        unsigned=("AccessDenied", 403),
    ),
    Service(
        "dynamodb",
        read=lambda dynamodb, its: dynamodb.scan(TableName=its.table),
        write=lambda dynamodb, its: dynamodb.put_item(TableName=its.table, Item={"id": {"S": "1"}}),
        **_JSON,
    ),
    Service(
        "sqs",
        read=lambda sqs, its: sqs.get_queue_attributes(QueueUrl=its.queue_url, AttributeNames=["All"]),
        write=lambda sqs, its: sqs.send_message(QueueUrl=its.queue_url, MessageBody="job"),
        denied=("AccessDenied", 403),
        unsigned=("AccessDenied", 403),
        **_QUERY,
    ),
    Service(
        "sns",
        read=lambda sns, its: sns.get_topic_attributes(TopicArn=its.topic_arn),
        write=lambda sns, its: sns.publish(TopicArn=its.topic_arn, Message="news"),
        denied=("AuthorizationError", 403),
        unsigned=("MissingAuthenticationToken", 403),
        **_QUERY,
    ),
    Service(
        "kinesis",
        read=lambda kinesis, its: kinesis.describe_stream_summary(StreamName=its.stream),
        write=lambda kinesis, its: kinesis.put_record(StreamName=its.stream, Data=b"event", PartitionKey="p"),
        **_JSON,
    ),
)
