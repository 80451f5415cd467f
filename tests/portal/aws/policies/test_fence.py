"""Tests of the fence of tenants' roles with an independent IAM evaluator."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, allowed

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
ROLE = policies.tenant_policy(ACCOUNT, "dev01")
FENCED = Rights(role=ROLE, boundary=policies.boundary(ACCOUNT))
SESSION = FENCED.principal
LARGEST_MANAGED_POLICY = 6144
LARGEST_INLINE_POLICIES = 10240

OWN = {"aws:ResourceAccount": ACCOUNT_ID}
FOREIGN = {"aws:ResourceAccount": "210987654321"}

BUCKET, TABLE, QUEUE, TOPIC, STREAM, API = (
    "arn:aws:s3:::duploservices-dev01-files",
    f"arn:aws:dynamodb:us-west-2:{ACCOUNT_ID}:table/duploservices-dev01-orders",
    f"arn:aws:sqs:us-west-2:{ACCOUNT_ID}:duploservices-dev01-jobs",
    f"arn:aws:sns:us-west-2:{ACCOUNT_ID}:duploservices-dev01-news",
    f"arn:aws:kinesis:us-west-2:{ACCOUNT_ID}:stream/duploservices-dev01-events",
    "arn:aws:apigateway:us-west-2::/restapis/abc123",
)
TAGGED = {"aws:ResourceTag/TENANT_NAME": "dev01"}


def own(resource: str, *actions: str, **more: str) -> list[Request]:
    """Return requests for a resource of the account."""
    return [Request(action, resource, OWN | more) for action in actions]


def texts(requests: Iterable[Request]) -> set[str]:
    return {str(request) for request in requests}


EVERYDAY = [
    *own(BUCKET, "s3:CreateBucket", "s3:ListBucket", "s3:PutLifecycleConfiguration", "s3:PutBucketTagging"),
    *own(f"{BUCKET}/k", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:RestoreObject"),
    *own(
        TABLE, "dynamodb:CreateTable", "dynamodb:PutItem", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"
    ),
    *own(
        QUEUE, "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:TagQueue"
    ),
    *own(TOPIC, "sns:Publish", "sns:GetTopicAttributes", "sns:SetSubscriptionAttributes"),
    *own(STREAM, "kinesis:CreateStream", "kinesis:PutRecord", "kinesis:SplitShard"),
    *own(API, "apigateway:GET", "apigateway:PATCH", **TAGGED),
    Request("s3:ListAllMyBuckets"),
    Request("sqs:ListQueues"),
    Request("tag:GetResources"),
    Request("s3:PutObjectAcl", f"{BUCKET}/k", OWN | {"s3:x-amz-acl": "bucket-owner-full-control"}),
]

LASTING = [
    *own(
        BUCKET,
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutBucketAcl",
        "s3:PutBucketOwnershipControls",
    ),
    *own(BUCKET, "s3:PutBucketPublicAccessBlock"),
    *own(f"{BUCKET}/k", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
    Request("s3:PutObjectAcl", f"{BUCKET}/k", OWN | {"s3:x-amz-acl": "public-read"}),
    Request("s3:PutObjectAcl", f"{BUCKET}/k", OWN | {"s3:x-amz-grant-read": "id=foreign"}),
    *own(f"arn:aws:s3:us-west-2:{ACCOUNT_ID}:accesspoint/duploservices-dev01-a", "s3:CreateAccessPoint"),
    *own(f"arn:aws:s3:us-west-2:{ACCOUNT_ID}:accesspoint/duploservices-dev01-a", "s3:PutAccessPointPolicy"),
    *own(TABLE, "dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
    *own(QUEUE, "sqs:AddPermission", "sqs:RemovePermission", "sqs:SetQueueAttributes", "sqs:CreateQueue"),
    *own(TOPIC, "sns:AddPermission", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:CreateTopic"),
    *own(STREAM, "kinesis:PutResourcePolicy", "kinesis:DeleteResourcePolicy"),
    *own(API, "apigateway:UpdateRestApiPolicy", **TAGGED),
]

FORWARDING = [
    *own(BUCKET, "s3:PutReplicationConfiguration", "s3:PutBucketNotification", "s3:PutBucketLogging"),
    *own(BUCKET, "s3:PutInventoryConfiguration", "s3:PutAnalyticsConfiguration"),
    *own(BUCKET, "s3:CreateBucketMetadataTableConfiguration"),
    *own(BUCKET, "s3:UpdateBucketMetadataInventoryTableConfiguration"),
    *own(TABLE, "dynamodb:ExportTableToPointInTime", "dynamodb:EnableKinesisStreamingDestination"),
    *own(TABLE, "dynamodb:UpdateKinesisStreamingDestination", "dynamodb:CreateTableReplica"),
    *own(TABLE, "dynamodb:AssociateTableReplica"),
    *own(STREAM, "kinesis:AssociateStreamsWithChannel"),
    *own(TOPIC, "sns:PutDataProtectionPolicy"),
]


KEY = f"arn:aws:kms:us-west-2:{ACCOUNT_ID}:key/1234abcd"
FOREIGN_KEY = KEY.replace(ACCOUNT_ID, "210987654321")


def encrypted(action: str, key: str) -> Request:
    return Request(action, f"{BUCKET}/k", OWN | {"s3:x-amz-server-side-encryption-aws-kms-key-id": key})


OWN_KEYS = [
    encrypted("s3:PutObject", KEY),
    encrypted("s3:PutObject", "1234abcd"),
    encrypted("s3:PutObject", "alias/aws/s3"),
    encrypted("s3:UpdateObjectEncryption", KEY),
]
FOREIGN_KEYS = [
    *own(BUCKET, "s3:PutEncryptionConfiguration"),
    *own(STREAM, "kinesis:StartStreamEncryption"),
    encrypted("s3:PutObject", FOREIGN_KEY),
    encrypted("s3:PutObject", FOREIGN_KEY.replace("key/1234abcd", "alias/theirs")),
    encrypted("s3:UpdateObjectEncryption", FOREIGN_KEY),
]


def logged_to(destination: str) -> Request:
    return Request(
        "apigateway:PATCH",
        f"{API}/stages/live",
        TAGGED | OWN | {"apigateway:Request/AccessLoggingDestination": destination},
    )


OWN_LOGS = [
    logged_to(f"arn:aws:logs:us-west-2:{ACCOUNT_ID}:log-group:duploservices-dev01-api"),
    logged_to(f"arn:aws:logs:us-west-2:{ACCOUNT_ID}:log-group:/aws/apigateway/duploservices-dev01-api"),
    logged_to(
        f"arn:aws:firehose:us-west-2:{ACCOUNT_ID}:deliverystream/amazon-apigateway-duploservices-dev01-x"
    ),
]
FOREIGN_LOGS = [
    logged_to(f"arn:aws:logs:us-west-2:{ACCOUNT_ID}:log-group:duploservices-data01-api"),
    logged_to(f"arn:aws:firehose:us-west-2:{ACCOUNT_ID}:deliverystream/amazon-apigateway-data01"),
]


def subscription(protocol: str, endpoint: str) -> Request:
    return Request("sns:Subscribe", TOPIC, OWN | {"sns:Protocol": protocol, "sns:Endpoint": endpoint})


OWN_SUBSCRIPTIONS = [
    subscription("sqs", QUEUE),
    subscription("lambda", f"arn:aws:lambda:us-west-2:{ACCOUNT_ID}:function:duploservices-dev01-f"),
]
FOREIGN_SUBSCRIPTIONS = [
    subscription("sqs", QUEUE.replace("dev01", "data01")),
    subscription("sqs", QUEUE.replace("dev01", "dev012")),
    subscription("sqs", QUEUE.replace(ACCOUNT_ID, "210987654321")),
    subscription("email", "dana@example.net"),
    subscription("https", "https://example.net/duploservices-dev01-jobs"),
    subscription("email", f"{QUEUE}@example.net"),
    Request("sns:Subscribe", TOPIC, OWN),
]


def opened_to(principal: object) -> policies.Document:
    """Return a resource policy that allows everything to *principal*."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


ELSEWHERE = [
    Request(action, resource, FOREIGN, account_id="210987654321", named_in=opened_to("*"))
    for action, resource in (
        ("s3:PutObject", f"{BUCKET}/k"),
        ("s3:GetObject", f"{BUCKET}/k"),
        ("s3:ListBucket", BUCKET),
    )
]


def test_everyday_work_within_the_tenant_is_allowed() -> None:
    everyday = [*EVERYDAY, *OWN_SUBSCRIPTIONS, *OWN_KEYS, *OWN_LOGS]

    assert texts(everyday) - allowed(FENCED, everyday) == set()


def test_no_session_can_write_a_grant_that_outlives_it() -> None:
    assert allowed(FENCED, LASTING) == set()


def test_no_session_can_make_a_service_move_data_out_of_the_tenant() -> None:
    assert allowed(FENCED, [*FORWARDING, *FOREIGN_SUBSCRIPTIONS]) == set()


def test_no_session_can_encrypt_data_with_a_key_of_another_account() -> None:
    assert allowed(FENCED, FOREIGN_KEYS) == set()


def test_no_session_can_send_access_logs_of_an_api_to_another_tenant() -> None:
    assert allowed(FENCED, FOREIGN_LOGS) == set()


def test_a_bucket_of_another_account_is_denied_despite_its_name_and_policy() -> None:
    assert allowed(FENCED, ELSEWHERE) == set()


def test_each_guard_holds_without_the_boundary_and_by_the_boundary_alone() -> None:
    refused = [*LASTING, *FORWARDING, *FOREIGN_KEYS, *ELSEWHERE]
    everything = policies.document(policies.allow(["*"], ["*"]))

    assert allowed(Rights(ROLE), [*refused, *FOREIGN_SUBSCRIPTIONS, *FOREIGN_LOGS]) == set()
    assert allowed(Rights(everything, policies.boundary(ACCOUNT)), refused) == set()
    assert allowed(Rights(everything, policies.boundary(ACCOUNT)), [*FOREIGN_SUBSCRIPTIONS[2:]]) == set()


def test_a_guard_holds_against_a_resource_policy_that_names_the_session() -> None:
    named = opened_to({"AWS": SESSION})
    requests = [
        Request(request.action, request.resource, request.context, named_in=named)
        for request in LASTING
        if request.action.startswith(("s3:", "sqs:", "sns:", "dynamodb:", "kinesis:"))
    ]

    assert allowed(FENCED, requests) == set()


# The actions of these services in AWS's ReadOnlyAccess as of 2026-09.
MANAGED = (
    *("s3:DescribeJob", "s3:Get*", "s3:List*", "apigateway:GET", "tag:Get*"),
    *(
        "dynamodb:BatchGet*",
        "dynamodb:Describe*",
        "dynamodb:Get*",
        "dynamodb:List*",
        "dynamodb:PartiQLSelect",
    ),
    *("dynamodb:Query", "dynamodb:Scan", "sqs:Get*", "sqs:List*", "sqs:Receive*"),
    *("sns:Check*", "sns:Get*", "sns:List*", "kinesis:Describe*", "kinesis:Get*", "kinesis:List*"),
    *("logs:Describe*", "logs:Get*", "logs:StartQuery", "logs:StopQuery", "logs:StopLiveTail"),
)


def test_a_read_only_session_has_no_reads_with_side_effects() -> None:
    limits: Any = policies.read_only_limits()
    session = policies.document(policies.allow(MANAGED, ["*"]), *limits["Statement"])
    everything = policies.document(policies.allow(["*"], ["*"]))
    reads = [
        *own(f"{BUCKET}/k", "s3:GetObject"),
        *own(BUCKET, "s3:ListBucket"),
        *own(TABLE, "dynamodb:Query", "dynamodb:Scan"),
        *own(QUEUE, "sqs:GetQueueAttributes"),
        *own(TOPIC, "sns:GetTopicAttributes"),
        *own(STREAM, "kinesis:GetRecords", "kinesis:DescribeStream"),
        *own(API, "apigateway:GET", **TAGGED),
    ]
    grants = f"arn:aws:s3:us-west-2:{ACCOUNT_ID}:access-grants/default"
    effects = [
        *own(QUEUE, "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:StartMessageMoveTask"),
        *own(f"{STREAM}/consumer/c:1", "kinesis:SubscribeToShard"),
        *own(f"{BUCKET}/k", "s3:RestoreObject", "s3:PutObject"),
        *own(grants, "s3:GetDataAccess"),
        Request("logs:StopQuery"),
        Request("logs:StopLiveTail"),
        *own(f"arn:aws:secretsmanager:us-west-2:{ACCOUNT_ID}:secret:s", "secretsmanager:RotateSecret"),
    ]

    assert allowed(replace(FENCED, session=session), [*reads, *effects]) == texts(reads)
    assert allowed(Rights(everything, session=session), effects) == set()


def test_the_fence_policies_fit_the_size_limits_of_aws() -> None:
    longest = "a" * 32

    assert len(policies.to_json(policies.boundary(ACCOUNT))) <= LARGEST_MANAGED_POLICY
    assert len(policies.to_json(policies.tenant_policy(ACCOUNT, longest))) <= LARGEST_INLINE_POLICIES / 2
