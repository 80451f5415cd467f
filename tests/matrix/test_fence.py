"""Refusals for a tenant's keys on the tenant's own resources: lasting grants and forwarding."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.tenants.model import Access
from daypass.sandbox.ministack.service_patches import OWNER_TAG
from tests.matrix.portal import Portal


def opened(actions: str, resource: str) -> str:
    """A resource policy for another account."""
    principal = {"AWS": "arn:aws:iam::210987654321:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


Act = Callable[[Any, Portal], object]


def queue_arn(portal: Portal, tenant: str) -> str:
    url = portal.demo.tenants[tenant]["queue_url"]
    attributes = portal.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


def launder(sqs: Any, portal: Portal) -> object:  # noqa: ANN401  boto3's client
    redrive = {"deadLetterTargetArn": queue_arn(portal, "data01"), "maxReceiveCount": 1}
    name = f"duploservices-dev01-launder-{uuid.uuid4().hex[:8]}"
    return sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive)})


LASTING: dict[str, tuple[str, Act]] = {
    "a queue whose dead letters go to another tenant": ("sqs", launder),
    "a queue's attributes": (
        "sqs",
        lambda sqs, portal: sqs.set_queue_attributes(
            QueueUrl=portal.demo.tenants["dev01"]["queue_url"], Attributes={"VisibilityTimeout": "60"}
        ),
    ),
    "a queue's permission": (
        "sqs",
        lambda sqs, portal: sqs.add_permission(
            QueueUrl=portal.demo.tenants["dev01"]["queue_url"],
            Label="x",
            AWSAccountIds=["210987654321"],
            Actions=["SendMessage"],
        ),
    ),
    "a topic's permission": (
        "sns",
        lambda sns, portal: sns.add_permission(
            TopicArn=portal.demo.tenants["dev01"]["topic_arn"],
            Label="x",
            AWSAccountId=["210987654321"],
            ActionName=["Publish"],
        ),
    ),
    "a topic's subscriber of another tenant": (
        "sns",
        lambda sns, portal: sns.subscribe(
            TopicArn=portal.demo.tenants["dev01"]["topic_arn"],
            Protocol="sqs",
            Endpoint=queue_arn(portal, "data01"),
        ),
    ),
    "a topic's subscriber outside": (
        "sns",
        lambda sns, portal: sns.subscribe(
            TopicArn=portal.demo.tenants["dev01"]["topic_arn"],
            Protocol="https",
            Endpoint="https://example.net/",
        ),
    ),
    "a bucket's policy": (
        "s3",
        lambda s3, portal: s3.put_bucket_policy(
            Bucket=portal.demo.tenants["dev01"]["buckets"][0],
            Policy=opened("s3:*", f"arn:aws:s3:::{portal.demo.tenants['dev01']['buckets'][0]}/*"),
        ),
    ),
    "a bucket's notifications": (
        "s3",
        lambda s3, portal: s3.put_bucket_notification_configuration(
            Bucket=portal.demo.tenants["dev01"]["buckets"][0],
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": queue_arn(portal, "data01"), "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        ),
    ),
}


FOREIGN_KEY = "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"

LOCKING: dict[str, tuple[str, Act]] = {
    "a bucket's default encryption": (
        "s3",
        lambda s3, portal: s3.put_bucket_encryption(
            Bucket=portal.demo.tenants["dev01"]["buckets"][0],
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": FOREIGN_KEY,
                        }
                    }
                ]
            },
        ),
    ),
    "an object's encryption": (
        "s3",
        lambda s3, portal: s3.put_object(
            Bucket=portal.demo.tenants["dev01"]["buckets"][0],
            Key="locked",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=FOREIGN_KEY,
        ),
    ),
    "a stream's encryption": (
        "kinesis",
        lambda kinesis, portal: kinesis.start_stream_encryption(
            StreamName=portal.demo.tenants["dev01"]["stream"], EncryptionType="KMS", KeyId=FOREIGN_KEY
        ),
    ),
}
LASTING |= LOCKING


@pytest.mark.parametrize("what", LASTING)
def test_keys_of_a_full_member_create_no_permanent_grants_or_forwarding(portal: Portal, what: str) -> None:
    service, act = LASTING[what]
    client = portal.client(service, portal.keys("dev01"))

    with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError"):
        act(client, portal)


def test_keys_of_a_read_only_member_read_attributes_of_a_queue_and_receive_no_message(
    portal: Portal,
) -> None:
    url = portal.demo.tenants["dev01"]["queue_url"]
    sqs = portal.client("sqs", portal.keys("dev01", Access.READ_ONLY))
    portal.aws.sqs.send_message(QueueUrl=url, MessageBody="note")

    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=43200)

    assert portal.aws.sqs.receive_message(QueueUrl=url)["Messages"]


def test_a_topic_delivers_to_the_tenant_s_own_queue(portal: Portal) -> None:
    sns = portal.client("sns", portal.keys("dev01"))

    sns.subscribe(
        TopicArn=portal.demo.tenants["dev01"]["topic_arn"],
        Protocol="sqs",
        Endpoint=queue_arn(portal, "dev01"),
    )


def test_a_bucket_of_another_account_is_refused_even_with_a_name_of_the_tenant(portal: Portal) -> None:
    bucket = f"duploservices-dev01-{uuid.uuid4().hex[:8]}"
    portal.aws.s3.create_bucket(Bucket=bucket)
    s3 = portal.client("s3", portal.keys("dev01"))
    s3.put_object(Bucket=bucket, Key="before", Body=b"x")

    tags = [{"Key": OWNER_TAG, "Value": "210987654321"}]
    portal.aws.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})  # type: ignore[typeddict-item]  # plain dicts

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="after", Body=b"x")
