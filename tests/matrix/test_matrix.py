"""Access of each kind of keys to each service of each tenant, and the error code of each refusal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Access
from tests.fixtures.demo import Demo
from tests.matrix.portal import Portal

TENANTS = ("dev01", "prod01", "data01")

Act = Callable[[Any, Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Service:
    """A service: how it is read and written, and its own words for each refusal."""

    name: str
    read: Act
    write: Act
    denied: str
    expired: str
    tampered: str
    unknown_key: str


SERVICES = (
    Service(
        "s3",
        lambda s3, own: s3.list_objects_v2(Bucket=own["buckets"][0]),
        lambda s3, own: s3.put_object(Bucket=own["buckets"][1], Key="note", Body=b"note"),
        denied="AccessDenied",
        expired="ExpiredToken",
        tampered="SignatureDoesNotMatch",
        unknown_key="InvalidAccessKeyId",
    ),
    Service(
        "dynamodb",
        lambda dynamodb, own: dynamodb.scan(TableName=own["table"]),
        lambda dynamodb, own: dynamodb.put_item(TableName=own["table"], Item={"id": {"S": "note"}}),
        denied="AccessDeniedException",
        expired="ExpiredTokenException",
        tampered="InvalidSignatureException",
        unknown_key="UnrecognizedClientException",
    ),
    Service(
        "sqs",
        lambda sqs, own: sqs.get_queue_attributes(QueueUrl=own["queue_url"], AttributeNames=["All"]),
        lambda sqs, own: sqs.send_message(QueueUrl=own["queue_url"], MessageBody="note"),
        denied="AccessDenied",
        expired="ExpiredToken",
        tampered="SignatureDoesNotMatch",
        unknown_key="InvalidClientTokenId",
    ),
    Service(
        "sns",
        lambda sns, own: sns.get_topic_attributes(TopicArn=own["topic_arn"]),
        lambda sns, own: sns.publish(TopicArn=own["topic_arn"], Message="note"),
        denied="AuthorizationError",
        expired="ExpiredToken",
        tampered="SignatureDoesNotMatch",
        unknown_key="InvalidClientTokenId",
    ),
    Service(
        "kinesis",
        lambda kinesis, own: kinesis.describe_stream_summary(StreamName=own["stream"]),
        lambda kinesis, own: kinesis.put_record(StreamName=own["stream"], Data=b"note", PartitionKey="note"),
        denied="AccessDeniedException",
        expired="ExpiredTokenException",
        tampered="InvalidSignatureException",
        unknown_key="UnrecognizedClientException",
    ),
)

each_tenant = pytest.mark.parametrize("tenant", TENANTS)
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@each_service
@each_tenant
def test_a_tenant_s_own_keys_read_and_write(portal: Portal, tenant: str, service: Service) -> None:
    client, own = portal.client(service.name, portal.keys(tenant)), portal.demo.tenants[tenant]

    service.read(client, own)
    service.write(client, own)


@each_service
@each_tenant
def test_a_read_only_member_s_keys_read_and_are_refused_a_write(
    portal: Portal, tenant: str, service: Service
) -> None:
    client, own = (
        portal.client(service.name, portal.keys(tenant, Access.READ_ONLY)),
        portal.demo.tenants[tenant],
    )

    service.read(client, own)
    assert refusal(service.write, client, own) == service.denied


@each_service
@each_tenant
def test_a_tenant_s_keys_are_refused_at_every_other_tenant(
    portal: Portal, tenant: str, service: Service
) -> None:
    client = portal.client(service.name, portal.keys(tenant))

    for other in set(TENANTS) - {tenant}:
        foreign = portal.demo.tenants[other]
        assert refusal(service.read, client, foreign) == service.denied
        assert refusal(service.write, client, foreign) == service.denied


@each_service
@each_tenant
def test_expired_keys_are_refused(
    troubled: Demo, fragile_portal: Portal, tenant: str, service: Service
) -> None:
    client = fragile_portal.client(service.name, fragile_portal.keys(tenant, duration="15m"))
    own = troubled.tenants[tenant]
    service.read(client, own)

    troubled.control.move_clock(timedelta(seconds=901))
    try:
        assert refusal(service.read, client, own) == service.expired
    finally:
        troubled.control.move_clock(-timedelta(seconds=901))


@each_service
@each_tenant
def test_keys_with_a_tampered_secret_are_refused(portal: Portal, tenant: str, service: Service) -> None:
    keys, own = portal.keys(tenant), portal.demo.tenants[tenant]
    secret = keys.secret_access_key.reveal()
    tampered = replace(keys, secret_access_key=Secret(secret[:-1] + ("B" if secret[-1] == "A" else "A")))

    assert refusal(service.read, portal.client(service.name, tampered), own) == service.tampered


@each_service
@each_tenant
def test_keys_without_their_session_token_are_refused(portal: Portal, tenant: str, service: Service) -> None:
    keys, own = portal.keys(tenant), portal.demo.tenants[tenant]
    stripped = replace(keys, session_token=None)

    assert refusal(service.read, portal.client(service.name, stripped), own) == service.unknown_key


def refusal(act: Act, client: Any, what: Mapping[str, Any]) -> str:  # noqa: ANN401  one of five clients
    """The code with which AWS refuses; a test that gets here without a refusal has failed."""
    with pytest.raises(ClientError) as refused:
        act(client, what)
    return str(refused.value.response["Error"]["Code"])
