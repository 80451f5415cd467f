"""Deny statements of tenants' roles, which hold even if another policy allows an action.

They also hold if a resource policy names the session itself; the Allow of a permissions boundary does not
limit such a session. Decision 0031 lists what each statement costs and what IAM cannot prevent.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daypass.portal.accounts.model import Account
    from daypass.portal.aws.policies import Statement

# Each of these writes a grant that outlives the session and the membership behind it. No condition key covers
# the attributes of a queue or topic, which include its policy, and creating one takes attributes too.
_RESOURCE_POLICIES = (
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketOwnershipControls",
    # Access points, access grants and public access blocks.
    "s3:Create*Access*",
    "s3:Put*Access*",
    "s3:UpdateAccessGrantsLocation",
    "s3:AssociateAccessGrants*",
    "s3:GetDataAccess",
    "dynamodb:PutResourcePolicy",
    "dynamodb:DeleteResourcePolicy",
    "sqs:AddPermission",
    "sqs:RemovePermission",
    "sqs:CreateQueue",
    "sqs:SetQueueAttributes",
    "sns:AddPermission",
    "sns:RemovePermission",
    "sns:CreateTopic",
    "sns:SetTopicAttributes",
    "kinesis:PutResourcePolicy",
    "kinesis:DeleteResourcePolicy",
    "apigateway:Put*Policy",
    "apigateway:Update*Policy",
    "apigateway:CreateAccessAssociation",
)

# The service itself moves the data later, and IAM checks the source only.
_FORWARDING = (
    "s3:PutReplicationConfiguration",
    "s3:PutBucketNotification",
    "s3:PutBucketLogging",
    "s3:PutInventoryConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:AllowVendedLogDeliveryForResource",
    # Tables with the names and tags of all objects, in a bucket of the account's own.
    "s3:CreateBucketMetadata*",
    "s3:UpdateBucketMetadata*",
    "s3:CreateJob",
    "dynamodb:ExportTableToPointInTime",
    "dynamodb:EnableKinesisStreamingDestination",
    "dynamodb:UpdateKinesisStreamingDestination",
    "dynamodb:CreateGlobalTable*",
    "dynamodb:UpdateGlobalTable",
    "dynamodb:CreateTableReplica",
    "dynamodb:AssociateTableReplica",
    "dynamodb:ReplicateSettings",
    "kinesis:CreateChannel",
    "kinesis:UpdateChannel",
    "kinesis:AssociateStreamsWithChannel",
    "sns:PutDataProtectionPolicy",
)

# These accept any KMS key, also one of another account, whose owner then controls access to the data.
# No condition key covers the key.
_KEY_CHOICES = ("s3:PutEncryptionConfiguration", "kinesis:StartStreamEncryption")

_OBJECT_ACLS = ("s3:PutObjectAcl", "s3:PutObjectVersionAcl")
# Any other ACL could open an object to another account or to the public.
_HARMLESS_ACLS = ("private", "bucket-owner-read", "bucket-owner-full-control")


_IAM_READS = ("iam:Get*", "iam:List*")


def guards(account: "Account", named: str) -> "Sequence[Statement]":
    """Return the Deny statements of the fence.

    *named* is the prefix of the resources to which a topic may deliver.
    """
    own = {"StringNotEquals": {"aws:ResourceAccount": account.id}, "Null": {"aws:ResourceAccount": "false"}}
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    # A key without an account, by ID or alias, belongs to the caller's account.
    foreign_key = {
        "StringLike": {key: "arn:*"},
        "StringNotLike": {key: f"arn:{account.partition}:kms:*:{account.id}:*"},
    }
    logs = "apigateway:Request/AccessLoggingDestination"
    destinations = [
        f"arn:{account.partition}:logs:*:{account.id}:log-group:{named}*",
        f"arn:{account.partition}:logs:*:{account.id}:log-group:/aws/apigateway/{named}*",
        f"arn:{account.partition}:firehose:*:{account.id}:deliverystream/amazon-apigateway-{named}*",
    ]
    endpoints = [
        f"arn:{account.partition}:sqs:*:{account.id}:{named}*",
        f"arn:{account.partition}:lambda:*:{account.id}:function:{named}*",
    ]
    return (
        _deny("NoResourcePolicies", _RESOURCE_POLICIES),
        _deny("NoForeignAcls", _OBJECT_ACLS, {"StringNotEquals": {"s3:x-amz-acl": list(_HARMLESS_ACLS)}}),
        _deny("NoForwarding", _FORWARDING),
        _deny("NoKeyChoices", _KEY_CHOICES),
        _deny("OwnKeys", ["s3:PutObject", "s3:UpdateObjectEncryption"], foreign_key),
        _deny(
            "OwnAccessLogs",
            ["apigateway:*"],
            {"StringNotLike": {logs: destinations}, "Null": {logs: "false"}},
        ),
        # Two statements: an endpoint of another kind, such as a mail address, could begin like a queue's ARN.
        _deny("OwnSubscribers", ["sns:Subscribe"], {"StringNotLike": {"sns:Endpoint": endpoints}}),
        _deny("SubscriberKinds", ["sns:Subscribe"], {"StringNotEquals": {"sns:Protocol": ["sqs", "lambda"]}}),
        # A bucket's ARN has no account, so the name alone matches foreign buckets too. Actions without a
        # resource lack the key, and other services have resources that AWS owns.
        _deny("OwnAccount", ["s3:*", "dynamodb:*", "sqs:*", "sns:*", "kinesis:*"], own),
    )


def portal_guards(account: "Account", principal_arn: str) -> "Sequence[Statement]":
    """Return the Deny statements that protect the portal's own identity, its roles and their fence.

    They deny everything but reading, for example access keys, trust policies and AssumeRole. A tenant's role
    may be passed to a service; the portal's own may not, since that service's code would get its credentials.
    """
    own = [
        principal_arn,
        account.role_arn(account.master_role),
        account.own_policy_arn_pattern,
        account.set_role_arn_pattern,
    ]
    return (
        _protect("PortalItself", own, _IAM_READS),
        _protect("TenantRoles", [account.tenant_role_arn_pattern], (*_IAM_READS, "iam:PassRole")),
    )


def _protect(sid: str, resources: Sequence[str], allowed: Sequence[str]) -> "Statement":
    # NotAction also covers the actions that AWS will add.
    return {"Sid": sid, "Effect": "Deny", "NotAction": list(allowed), "Resource": list(resources)}


def _deny(sid: str, actions: Sequence[str], condition: Mapping[str, object] | None = None) -> "Statement":
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": "*"}
    return statement if condition is None else statement | {"Condition": dict(condition)}
