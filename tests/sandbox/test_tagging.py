"""The tag search that the inventory uses."""

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import Keys
from tests.sandbox.test_authorization import code_of, tenant_keys
from tests.sandbox.test_tag_conditions import made, world_keys
from tests.sandbox.world import World, allow, make_resources, trust


def test_a_tag_search_finds_every_kind_of_resource(world: World) -> None:
    own = make_resources(world, world.name)
    make_resources(world, f"x{world.name}")
    api = world.client("apigateway").create_rest_api(
        name=f"{world.name}-api", tags={"TENANT_NAME": world.name}
    )
    arn, keys = world.user(allow("sts:*"))
    reader = world.assume(keys, world.role(trust(arn), allow("tag:GetResources")))

    found = world.client("resourcegroupstaggingapi", reader).get_resources(
        TagFilters=[{"Key": "TENANT_NAME", "Values": [world.name]}]
    )["ResourceTagMappingList"]

    account = "111122223333"
    assert {entry["ResourceARN"] for entry in found} == {
        f"arn:aws:s3:::{own.bucket}",
        f"arn:aws:dynamodb:us-east-1:{account}:table/{own.table}",
        f"arn:aws:sqs:us-east-1:{account}:{world.name}-jobs",
        own.topic_arn,
        f"arn:aws:kinesis:us-east-1:{account}:stream/{own.stream}",
        f"arn:aws:apigateway:us-east-1::/restapis/{api['id']}",
    }
    assert all(entry["Tags"] == [{"Key": "TENANT_NAME", "Value": world.name}] for entry in found)


# The services of AWS's list in which the tests make something.
_SEARCHED = {"acm", "apigateway", "cloudwatch", "ec2", "ecr", "ecs", "elasticfilesystem"} | {
    "elasticloadbalancing",
    "es",
    "events",
    "firehose",
    "glue",
    "kms",
    "logs",
    "rds",
    "scheduler",
    "secretsmanager",
    "sqs",
    "ssm",
}


def test_a_tag_search_finds_the_resources_of_every_service(world: World) -> None:
    made(world, world.name)
    search, filters = (
        world.client("resourcegroupstaggingapi"),
        [{"Key": "TENANT_NAME", "Values": [world.name]}],
    )
    found = search.get_resources(TagFilters=filters)["ResourceTagMappingList"]
    assert {entry["ResourceARN"].split(":")[2] for entry in found} == _SEARCHED
    assert len([entry for entry in found if ":ec2:" in entry["ResourceARN"]]) >= 3
    only = search.get_resources(TagFilters=filters, ResourceTypeFilters=["rds:db"])["ResourceTagMappingList"]
    assert [entry["ResourceARN"].split(":")[5] for entry in only] == ["db"]


def test_tagging_requires_the_right_of_the_resources_service(world: World) -> None:
    queue = f"arn:aws:sqs:{world.sandbox.region}:{world.sandbox.account_id}:{world.name}"
    world.client("sqs").create_queue(QueueName=world.name)
    both = tenant_keys(world, allow("tag:*"), allow("sqs:*", queue))
    tags = {"TENANT_NAME": world.name}
    only = world_keys(world, "only", allow("tag:*"))

    def tag(keys: Keys) -> object:
        return world.client("resourcegroupstaggingapi", keys).tag_resources(
            ResourceARNList=[queue], Tags=tags
        )

    assert (code_of(tag, both), code_of(tag, only)) == ("OK", "denied")


def test_a_tag_search_requires_its_permission(world: World) -> None:
    _, keys = world.user(allow("s3:*"))
    with pytest.raises(ClientError) as error:
        world.client("resourcegroupstaggingapi", keys).get_resources()
    response = error.value.response
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
