"""The tag search that the inventory uses."""

import pytest
from botocore.exceptions import ClientError

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


def test_a_tag_search_requires_its_permission(world: World) -> None:
    _, keys = world.user(allow("s3:*"))
    with pytest.raises(ClientError) as error:
        world.client("resourcegroupstaggingapi", keys).get_resources()
    response = error.value.response
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
