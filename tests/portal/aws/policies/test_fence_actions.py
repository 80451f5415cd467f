"""A review of every write action that the fence allows: can it name a resource outside the tenant?

Most services check one resource with IAM, and take the names of others as parameters. When the evaluator's
data has a new action that the fence allows, a test fails until the action is added to one of the tables.
"""

import pytest

from tests.evaluator.run import Request, allowed, writing_actions
from tests.portal.aws.policies.test_fence import API, BUCKET, FENCED, OWN, QUEUE, STREAM, TABLE, TAGGED, TOPIC

# A resource of each kind. Actions on other kinds are evaluated with "*".
RESOURCES = {
    "s3": {"bucket": BUCKET, "object": f"{BUCKET}/k"},
    "dynamodb": {
        "table": TABLE,
        "index": f"{TABLE}/index/by-day",
        "stream": f"{TABLE}/stream/2026-01-01",
        "backup": f"{TABLE}/backup/1",
    },
    "sqs": {"queue": QUEUE},
    "sns": {"topic": TOPIC},
    "kinesis": {"stream": STREAM, "consumer": f"{STREAM}/consumer/c:1"},
    "apigateway": {"RestApi": API, "Stage": f"{API}/stages/live"},
}

# These actions take only the resource itself, names within it, and values.
OWN_RESOURCE = {
    "s3": """
        AbortMultipartUpload BypassGovernanceRetention CreateBucket DeleteBucket
        DeleteBucketMetadataTableConfiguration DeleteBucketWebsite DeleteObject DeleteObjectAnnotation
        DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging
        InitiateReplication ObjectOwnerOverrideToBucketOwner PauseReplication PutAccelerateConfiguration
        PutBucketAbac PutBucketCORS PutBucketObjectLockConfiguration PutBucketRequestPayment PutBucketTagging
        PutBucketVersioning PutBucketWebsite PutIntelligentTieringConfiguration PutLifecycleConfiguration
        PutMetricsConfiguration PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging
        PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete ReplicateObject
        ReplicateObjectAnnotation ReplicateTags RestoreObject TagResource UntagResource
    """,
    "dynamodb": """
        BatchWriteItem CreateBackup DeleteBackup DeleteGlobalTableWitness DeleteItem DeleteTable
        DeleteTableReplica DisableKinesisStreamingDestination PartiQLDelete PartiQLInsert PartiQLUpdate
        PutItem
        StartAwsBackupJob TagResource UntagResource UpdateContinuousBackups UpdateContributorInsights
        UpdateGlobalTableSettings UpdateGlobalTableVersion UpdateItem UpdateTableReplicaAutoScaling
        UpdateTimeToLive WriteDataForReplication
    """,
    "sqs": """
        CancelMessageMoveTask ChangeMessageVisibility DeleteMessage DeleteQueue PurgeQueue SendMessage
        TagQueue
        UntagQueue
    """,
    "sns": "ConfirmSubscription DeleteTopic Publish TagResource Unsubscribe UntagResource",
    "kinesis": """
        AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream DeregisterStreamConsumer
        IncreaseStreamRetentionPeriod MergeShards PutRecord PutRecords RegisterStreamConsumer
        RemoveTagsFromStream SplitShard StopStreamEncryption TagResource UntagResource UpdateMaxRecordSize
        UpdateStreamRecordDistributionStrategy UpdateStreamWarmThroughput
    """,
    "apigateway": "DELETE",
}

# These name another resource; the value says why that stays in the tenant or is covered by SECURITY.md.
OTHER_RESOURCE = {
    "s3": {
        "PutObject": "copies: s3:GetObject of the source is checked; KMS keys: the statement OwnKeys",
        "UpdateObjectEncryption": "KMS keys: the statement OwnKeys",
    },
    "dynamodb": {
        "CreateTable": "KMS keys: kms:CreateGrant and policies: dynamodb:PutResourcePolicy are checked",
        "ImportTable": "it only reads the bucket, and s3:GetObject is checked",
        "RestoreTableFromAwsBackup": "KMS keys: kms:CreateGrant is checked",
        "RestoreTableFromBackup": "both table and backup are checked; KMS keys: kms:CreateGrant",
        "RestoreTableToPointInTime": "both tables are checked; KMS keys: kms:CreateGrant",
        "UpdateTable": "KMS keys: kms:CreateGrant; replicas: dynamodb:CreateTableReplica, which is denied",
    },
    "sqs": {"StartMessageMoveTask": "sqs:SendMessage to the destination is checked"},
    "sns": {"SetSubscriptionAttributes": "dead-letter queues whose policy admits SNS: SECURITY.md"},
    "kinesis": {},
    "apigateway": {
        "PATCH": "access logs: the statement OwnAccessLogs; integrations: SECURITY.md",
        "POST": "the same, and VPC links, client certificates and authorizers: SECURITY.md",
        "PUT": "integrations: SECURITY.md",
        "SetWebACL": "wafv2:AssociateWebACL is checked",
    },
}

# The evaluator's data has no resource for these actions.
NOT_EVALUATED = {"SetWebACL"}


def requests(service: str) -> list[Request]:
    kinds, tagged = RESOURCES[service], TAGGED if service == "apigateway" else {}
    found = []
    for action, of in writing_actions(service):
        if action.partition(":")[2] in NOT_EVALUATED:
            continue
        resources = [kinds[kind] for kind in of if kind in kinds] or ["*"]
        # A consumer's ARN also matches the pattern of a stream, so the evaluator cannot distinguish them.
        found += [Request(action, resource, OWN | tagged) for resource in resources[-1:]]
    return found


@pytest.mark.parametrize("service", RESOURCES)
def test_every_allowed_write_action_has_been_reviewed(service: str) -> None:
    judged = {*OWN_RESOURCE[service].split(), *OTHER_RESOURCE[service]}

    permitted = {text.split()[0].partition(":")[2] for text in allowed(FENCED, requests(service))}

    assert permitted == judged - NOT_EVALUATED
