"""Checks of tags: the tenant's own, those of others, and those of new resources."""

from collections.abc import Sequence

from daypass.portal.aws.fence.live.model import Answer, LiveCheck
from daypass.portal.aws.fence.live.resources import domain, security_group
from daypass.portal.aws.fence.live.trial import OTHER_TENANT, NotPossible, Trial
from daypass.portal.aws.policies import TENANT_TAG

_GUARD = (
    "The tenant's tag can be changed or adopted. Do not migrate roles, remove the right to tag from the "
    "service in a policy of your own, and report the answer."
)
_CREATION = (
    "Tenants cannot create this with a tag, and the fence demands one. An Administrator or the pipeline "
    "creates it; report the answer, so that the catalogue can offer the service's tag action."
)
_WIDER = (
    "Tenants can create this themselves. Nothing of another tenant is reachable; report the answer, so that "
    "the catalogue can offer it."
)


def _tag_queue(trial: Trial, key: str, value: str) -> None:
    trial.tenant("sqs").tag_queue(QueueUrl=trial.queue_url(trial.names.own_queue), Tags={key: value})


def _untag_queue(trial: Trial) -> None:
    trial.tenant("sqs").untag_queue(QueueUrl=trial.queue_url(trial.names.own_queue), TagKeys=[TENANT_TAG])


def _send_to_foreign(trial: Trial) -> None:
    trial.tenant("sqs").send_message(QueueUrl=trial.queue_url(trial.names.foreign_queue), MessageBody="check")


def _tag_bucket(trial: Trial) -> None:
    if trial.endpoint.url is not None:
        # The host name begins with the account's id, which an AWS at an address of its own does not have.
        raise NotPossible("NoS3Control")
    trial.tenant("s3control").tag_resource(
        AccountId=trial.names.account.id,
        ResourceArn=f"arn:{trial.names.account.partition}:s3:::{trial.names.prefix}-bucket",
        Tags=[{"Key": TENANT_TAG, "Value": OTHER_TENANT}],
    )


def _adopt_group(trial: Trial) -> None:
    group = security_group(trial, "untagged", is_tagged=False)
    trial.tenant("ec2").create_tags(Resources=[group], Tags=trial.tags(), DryRun=True)


def _untag_group(trial: Trial) -> None:
    group = security_group(trial, "tagged", is_tagged=True)
    trial.tenant("ec2").delete_tags(Resources=[group], Tags=trial.tags(), DryRun=True)


def _adopt_file_system(trial: Trial) -> None:
    efs, token = trial.as_operator("efs"), f"{trial.names.prefix}-untagged"
    found = efs.describe_file_systems(CreationToken=token)["FileSystems"]
    file_system = found[0] if found else efs.create_file_system(CreationToken=token)
    trial.tenant("efs").tag_resource(ResourceId=file_system["FileSystemId"], Tags=trial.tags())


def _create_task_definition(trial: Trial) -> None:
    trial.tenant("ecs").register_task_definition(
        family=f"{trial.names.prefix}-t",
        containerDefinitions=[{"name": "a", "image": "b", "memory": 64}],
        tags=trial.tags("key", "value"),
    )


def _create_target_group(trial: Trial) -> None:
    trial.tenant("elbv2").create_target_group(
        Name=f"{trial.names.prefix}-t", TargetType="lambda", Tags=trial.tags()
    )


def _create_file_system(trial: Trial) -> None:
    trial.tenant("efs").create_file_system(CreationToken=f"{trial.names.prefix}-tagged", Tags=trial.tags())


def _request_certificate(trial: Trial) -> None:
    trial.tenant("acm").request_certificate(
        DomainName=domain(trial.names), ValidationMethod="DNS", Tags=trial.tags()
    )


def _create_api(trial: Trial) -> None:
    trial.tenant("apigateway").create_rest_api(name=f"{trial.names.prefix}-api", tags=trial.tag)


def _create_distribution(trial: Trial) -> None:
    # The origin access control does not exist, so AWS creates nothing even if it allows the request.
    origin = {
        "Id": "o",
        "DomainName": f"{domain(trial.names)}.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": "E0000000000000",
    }
    configuration = {
        "CallerReference": trial.names.tenant,
        "Comment": "daypass live check",
        "Enabled": False,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
    }
    trial.tenant("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": configuration, "Tags": {"Items": trial.tags()}}
    )


def _create_key(trial: Trial) -> None:
    created = trial.tenant("kms").create_key(Tags=trial.tags("TagKey", "TagValue"))
    # AWS deletes keys after seven days at the earliest.
    trial.as_operator("kms").schedule_key_deletion(
        KeyId=created["KeyMetadata"]["KeyId"], PendingWindowInDays=7
    )


TAGGING: Sequence[LiveCheck] = (
    LiveCheck(
        "tag-given-away",
        f"Set the tag {TENANT_TAG} of the tenant's queue to another tenant",
        Answer.DENIED,
        "Does a condition on the request's tag keep the value?",
        _GUARD,
        lambda trial: _tag_queue(trial, TENANT_TAG, OTHER_TENANT),
    ),
    LiveCheck(
        "tag-other-case",
        "Set the tag Tenant_Name of the tenant's queue to another tenant",
        Answer.DENIED,
        "Does a condition on `aws:TagKeys` that ignores case cover tag actions?",
        _GUARD,
        lambda trial: _tag_queue(trial, "Tenant_Name", OTHER_TENANT),
    ),
    LiveCheck(
        "tag-removed",
        f"Remove the tag {TENANT_TAG} from the tenant's queue",
        Answer.DENIED,
        "Does a Deny on the request's tag apply where the request has only the key?",
        _GUARD,
        _untag_queue,
    ),
    LiveCheck(
        "tag-of-own-choice",
        "Set the tag Team of the tenant's queue",
        Answer.ALLOWED,
        "Do the guards let other tags pass?",
        "Tenants cannot tag what is theirs. Nothing becomes wider; report the answer.",
        lambda trial: _tag_queue(trial, "Team", "web"),
    ),
    LiveCheck(
        "foreign-tag",
        "Send a message to a queue with the tenant's prefix and another tenant's tag",
        Answer.DENIED,
        "Does `aws:ResourceTag` have a value in a request about messages?",
        "A name alone decides in SQS. Remove foreign resources whose names begin with a tenant's prefix.",
        _send_to_foreign,
    ),
    LiveCheck(
        "s3-tag-resource",
        "Set another tenant's tag on the tenant's bucket with s3:TagResource",
        Answer.DENIED,
        "Does s3:TagResource have `aws:TagKeys` while the bucket's ABAC is off?",
        _GUARD,
        _tag_bucket,
    ),
    LiveCheck(
        "ec2-adopt",
        "Set the tenant's tag on a security group without a tag, as a dry run",
        Answer.DENIED,
        "Is `ec2:CreateAction` absent where tags are set on their own?",
        _GUARD,
        _adopt_group,
    ),
    LiveCheck(
        "ec2-untag",
        "Remove the tenant's tag from its security group and name the tag's value, as a dry run",
        Answer.DENIED,
        "Does the guard hold where a removal names the tag's value?",
        _GUARD,
        _untag_group,
    ),
    LiveCheck(
        "efs-adopt",
        "Set the tenant's tag on a file system without a tag",
        Answer.DENIED,
        "Is `elasticfilesystem:CreateAction` absent where tags are set on their own?",
        _GUARD,
        _adopt_file_system,
    ),
    LiveCheck(
        "ecs-create-with-tags",
        "Register a task definition with the tenant's tag",
        Answer.ALLOWED,
        "Which right to tag does ECS ask for, and on which ARN?",
        _CREATION,
        _create_task_definition,
    ),
    LiveCheck(
        "elb-create-with-tags",
        "Create a target group with the tenant's tag",
        Answer.ALLOWED,
        "Does elasticloadbalancing:AddTags have `elasticloadbalancing:CreateAction` in a creation?",
        _CREATION,
        _create_target_group,
    ),
    LiveCheck(
        "efs-create-with-tags",
        "Create a file system with the tenant's tag",
        Answer.ALLOWED,
        "Does elasticfilesystem:TagResource have `elasticfilesystem:CreateAction` in a creation?",
        _CREATION,
        _create_file_system,
    ),
    LiveCheck(
        "acm-create-with-tags",
        "Request a certificate with the tenant's tag",
        Answer.ALLOWED,
        "Does ACM ask for acm:AddTagsToCertificate, which has no key that tells a creation?",
        _CREATION,
        _request_certificate,
    ),
    LiveCheck(
        "apigateway-create-with-tags",
        "Create a REST API with the tenant's tag",
        Answer.DENIED,
        "Does API Gateway ask for apigateway:PUT on /tags, which the fence does not offer?",
        _WIDER,
        _create_api,
    ),
    LiveCheck(
        "cloudfront-create-with-tags",
        "Create a distribution with the tenant's tag and an origin access control that does not exist",
        Answer.DENIED,
        "Does CloudFront ask for cloudfront:TagResource, which the fence offers for tagged resources only?",
        _WIDER,
        _create_distribution,
        passes=("NoSuchOriginAccessControl", "InvalidOriginAccessControl", "InvalidArgument"),
    ),
    LiveCheck(
        "kms-create-with-tags",
        "Create a KMS key with the tenant's tag",
        Answer.DENIED,
        "Does the Deny hold for a creation that a tag allows?",
        "Members can create keys with a policy for other accounts. Deny kms:CreateKey in a policy of your "
        "own. The command has scheduled the deletion of this key.",
        _create_key,
    ),
)
