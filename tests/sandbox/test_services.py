"""Checks of single services that MiniStack lacks and the sandbox adds."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from daypass.sandbox.ministack.service_patches import OWNER_TAG
from tests.sandbox.world import World, allow, document, make_resources, own_resources, trust


def queue(world: World, name: str, **attributes: object) -> tuple[str, str]:
    """Create a queue with these attributes and return its URL and ARN."""
    sqs = world.client("sqs")
    texts = {key: json.dumps(value) for key, value in attributes.items()}
    url = sqs.create_queue(QueueName=f"{world.name}-{name}", Attributes=texts)["QueueUrl"]
    return url, f"arn:aws:sqs:{world.sandbox.region}:{world.sandbox.account_id}:{world.name}-{name}"


@pytest.mark.parametrize(
    ("permission", "is_moved"),
    [(None, True), ("allowAll", True), ("byQueue", True), ("denyAll", False), ("other", False)],
)
def test_a_dead_letter_queue_receives_only_from_queues_that_it_allows(
    world: World, permission: str | None, is_moved: bool
) -> None:
    sqs: Any = world.client("sqs")
    target, target_arn = queue(world, "target")
    redrive = {"deadLetterTargetArn": target_arn, "maxReceiveCount": 1}
    source, source_arn = queue(world, "source", RedrivePolicy=redrive)
    allowed: dict[str, object] = {"redrivePermission": "byQueue" if permission == "other" else permission}
    if allowed["redrivePermission"] == "byQueue":
        allowed["sourceQueueArns"] = [source_arn if permission == "byQueue" else f"{source_arn}-other"]
    if permission is not None:
        sqs.set_queue_attributes(QueueUrl=target, Attributes={"RedriveAllowPolicy": json.dumps(allowed)})

    sqs.send_message(QueueUrl=source, MessageBody="note")
    for _ in range(2):
        sqs.receive_message(QueueUrl=source, VisibilityTimeout=0)

    assert ("Messages" in sqs.receive_message(QueueUrl=target)) is is_moved


def keys_with(world: World, *statements: dict[str, Any]) -> Any:  # noqa: ANN401  the keys of a session
    """Return keys of a session of a new role with these statements."""
    arn, keys = world.user()
    return world.assume(keys, world.role(trust(arn), *statements))


def test_a_policy_can_restrict_subscriptions_by_endpoint(world: World) -> None:
    topic = world.client("sns").create_topic(Name=f"{world.name}-news")["TopicArn"]
    _, own = queue(world, "jobs")
    _, other = queue(world, "other")
    condition = {"StringLike": {"sns:Endpoint": own}, "StringEquals": {"sns:Protocol": "sqs"}}
    sns = world.client("sns", keys_with(world, allow("sns:Subscribe", Condition=condition)))

    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=own)
    with pytest.raises(ClientError, match="AuthorizationError"):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other)


def test_a_policy_can_restrict_acls_by_header(world: World) -> None:
    bucket = f"{world.name}-files"
    world.client("s3").create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    condition = {"StringEquals": {"s3:x-amz-acl": "private"}}
    s3 = world.client("s3", keys_with(world, allow("s3:PutObjectAcl", Condition=condition)))

    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")


def test_a_policy_can_restrict_buckets_by_owner_account(world: World) -> None:
    for name, owner in (("own", world.sandbox.account_id), ("foreign", "210987654321")):
        bucket = f"{world.name}-{name}"
        world.client("s3").create_bucket(Bucket=bucket)
        tags = {"TagSet": [{"Key": OWNER_TAG, "Value": owner}]}
        world.client("s3").put_bucket_tagging(Bucket=bucket, Tagging=tags)
    condition = {"StringEquals": {"aws:ResourceAccount": world.sandbox.account_id}}
    s3 = world.client("s3", keys_with(world, allow("s3:*", Condition=condition)))

    s3.put_object(Bucket=f"{world.name}-own", Key="k", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=f"{world.name}-foreign", Key="k", Body=b"x")


def test_tags_of_a_table_and_of_a_topic_are_decided_by_their_arns(world: World) -> None:
    own, other = make_resources(world, world.name), make_resources(world, f"x{world.name}")
    keys = keys_with(world, own_resources(world, world.name))
    sns, dynamodb = world.client("sns", keys), world.client("dynamodb", keys)
    tables = f"arn:aws:dynamodb:{world.sandbox.region}:{world.sandbox.account_id}:table"

    sns.tag_resource(ResourceArn=own.topic_arn, Tags=[{"Key": "Team", "Value": "web"}])
    dynamodb.list_tags_of_resource(ResourceArn=f"{tables}/{own.table}")
    with pytest.raises(ClientError, match="AuthorizationError"):
        sns.tag_resource(ResourceArn=other.topic_arn, Tags=[{"Key": "Team", "Value": "web"}])
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.list_tags_of_resource(ResourceArn=f"{tables}/{other.table}")


def test_an_api_with_tags_takes_the_right_to_set_them(world: World) -> None:
    creation = allow("apigateway:POST", "arn:aws:apigateway:*::/restapis")
    tagging = allow("apigateway:PUT", "arn:aws:apigateway:*::/tags/*")
    creator = world.client("apigateway", keys_with(world, creation))

    creator.create_rest_api(name=world.name)
    with pytest.raises(ClientError, match=r"AccessDenied.*apigateway:PUT on resource: .*::/tags/"):
        creator.create_rest_api(name=world.name, tags={"Team": "web"})

    world.name = f"{world.name}b"
    tagger = world.client("apigateway", keys_with(world, creation, tagging))
    tagger.create_rest_api(name=world.name, tags={"Team": "web"})


def test_another_version_of_a_policy_can_be_made_the_default(world: World) -> None:
    iam = world.client("iam")
    first, second = (document(allow(action)) for action in ("sqs:ListQueues", "sns:ListTopics"))
    arn = iam.create_policy(PolicyName=world.name, PolicyDocument=first)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=second, SetAsDefault=True)

    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")

    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == ["v1"]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
