"""IAM's quotas, and policies that count together: managed ones, the boundary and the session's."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import Keys
from tests.sandbox.test_authorization import code_of
from tests.sandbox.world import World, allow, document, trust

_V = "${aws:PrincipalTag/TENANT_NAME}"


def sized(characters: int, indent: int | None = None) -> str:
    """Return a policy of that many characters without white space."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}
    policy["Statement"][0]["Resource"] = "arn:aws:s3:::"  # type: ignore[index]  # a list of dictionaries
    missing = characters - len(json.dumps(policy, separators=(",", ":")))
    policy["Statement"][0]["Resource"] += "x" * missing  # type: ignore[index]  # a list of dictionaries
    return json.dumps(policy, indent=indent, separators=(",", ":"))


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """Return code and message."""
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_managed_policy_has_6144_characters_without_white_space(world: World) -> None:
    iam = world.client("iam")
    arn = iam.create_policy(PolicyName=world.name, PolicyDocument=sized(6144, indent=8))["Policy"]["Arn"]
    for call, target in (
        (iam.create_policy, {"PolicyName": f"{world.name}-2"}),
        (iam.create_policy_version, {"PolicyArn": arn}),
    ):
        with pytest.raises(ClientError) as error:
            call(**target, PolicyDocument=sized(6145))
        assert refusal(error) == ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")


def test_the_inline_policies_of_a_role_have_10240_characters_together(world: World) -> None:
    iam = world.client("iam")
    world.role(trust("*"))
    name = f"{world.name}-role"
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=sized(6000))
    iam.put_role_policy(RoleName=name, PolicyName="two", PolicyDocument=sized(4240))
    # A policy that is replaced does not count.
    iam.put_role_policy(RoleName=name, PolicyName="two", PolicyDocument=sized(4239, indent=8))
    with pytest.raises(ClientError) as error:
        iam.put_role_policy(RoleName=name, PolicyName="three", PolicyDocument=sized(200))
    assert refusal(error) == ("LimitExceeded", f"Maximum policy size of 10240 bytes exceeded for role {name}")


def test_a_role_has_ten_managed_policies_which_exist(world: World) -> None:
    iam = world.client("iam")
    world.role(trust("*"))
    name = f"{world.name}-role"
    arns = [
        iam.create_policy(PolicyName=f"{world.name}-{number}", PolicyDocument=sized(200))["Policy"]["Arn"]
        for number in range(11)
    ]
    for arn in [*arns[:10], arns[0]]:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    with pytest.raises(ClientError) as error:
        iam.attach_role_policy(RoleName=name, PolicyArn=arns[10])
    assert refusal(error) == ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
    with pytest.raises(ClientError) as error:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"{arns[0]}-missing")
    assert refusal(error)[0] == "NoSuchEntity"


def test_a_policy_has_five_versions(world: World) -> None:
    iam = world.client("iam")
    arn = iam.create_policy(PolicyName=world.name, PolicyDocument=sized(200))["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=sized(200))
    with pytest.raises(ClientError) as error:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=sized(200))
    assert refusal(error)[0] == "LimitExceeded"


def test_a_trust_policy_has_2048_characters(world: World) -> None:
    ids = ["x" * 60 for _ in range(40)]
    long = document(trust("*", Condition={"StringEquals": {"sts:ExternalId": ids}}))
    with pytest.raises(ClientError) as error:
        world.client("iam").create_role(RoleName=world.name, AssumeRolePolicyDocument=long)
    assert refusal(error) == ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")


def managed(world: World, name: str, *statements: dict[str, object]) -> str:
    """Create a managed policy and return its ARN."""
    arn: str = world.client("iam").create_policy(
        PolicyName=f"{world.name}-{name}", PolicyDocument=document(*statements)
    )["Policy"]["Arn"]
    return arn


def test_session_policies_are_limited_in_number_size_and_existence(world: World) -> None:
    arn, keys = world.user()
    role = world.role(trust(arn))
    policy = managed(world, "level", allow("s3:*"))

    def refused(**more: Any) -> tuple[str, str]:  # noqa: ANN401  the parameters of AssumeRole
        with pytest.raises(ClientError) as error:
            world.assume(keys, role, **more)
        return refusal(error)

    world.assume(keys, role, PolicyArns=[{"arn": policy}] * 10)
    code, message = refused(PolicyArns=[{"arn": policy}] * 11)
    assert (code, "policyArns" in message) == ("ValidationError", True)
    assert refused(PolicyArns=[{"arn": f"{policy}-missing"}])[0] == "ValidationError"
    assert refused(Policy=sized(2049))[0] == "ValidationError"
    world.assume(keys, role, Policy=sized(2048))
    assert refused(Policy=sized(2040), PolicyArns=[{"arn": policy}])[0] == "PackedPolicyTooLarge"


def test_the_packed_size_grows_with_policies_and_tags(world: World) -> None:
    arn, keys = world.user()
    role = world.role(trust(arn))
    sts = world.client("sts", keys)

    def packed(**more: object) -> int | None:
        size: int | None = sts.assume_role(RoleArn=role, RoleSessionName="dana", **more).get(
            "PackedPolicySize"
        )
        return size

    none, tagged = packed(), packed(Tags=[{"Key": "daypass:issuance", "Value": "x" * 36}])
    both = packed(Tags=[{"Key": "daypass:issuance", "Value": "x" * 36}], Policy=document(allow("s3:*")))
    assert none is None
    assert tagged is not None
    assert both is not None
    assert 0 < tagged < both <= 100


def test_managed_policies_boundary_and_session_policies_count_together(world: World) -> None:
    arn, user = world.user()
    iam, account = world.client("iam"), world.sandbox.account_id
    table, queue = f"arn:aws:dynamodb:*:{account}:table/{_V}-*", f"arn:aws:sqs:*:{account}:{_V}-*"
    boundary = managed(world, "boundary", allow(["dynamodb:*", "sqs:*", "kms:*"]))
    name = f"{world.name}-tenant"

    def role(suffix: str, *tags: dict[str, str]) -> str:
        created: str = iam.create_role(
            RoleName=f"{name}-{suffix}",
            AssumeRolePolicyDocument=document(trust(arn)),
            PermissionsBoundary=boundary,
            Tags=list(tags),
        )["Role"]["Arn"]
        for policy in policies:
            iam.attach_role_policy(RoleName=f"{name}-{suffix}", PolicyArn=policy)
        return created

    policies = [
        managed(world, "data", allow("dynamodb:*", table)),
        managed(world, "queues", allow("sqs:*", queue), allow("sns:*")),
    ]
    level = managed(world, "level", allow("sqs:GetQueueAttributes"))
    world.client("sqs").create_queue(QueueName=f"{world.name}-jobs")

    def may(keys: Keys) -> dict[str, str]:
        sqs, dynamodb = world.client("sqs", keys), world.client("dynamodb", keys)
        url = f"{world.sandbox.endpoint_url}/{account}/{world.name}-jobs"
        things = f"{world.name}-things"
        return {
            "table": code_of(lambda: dynamodb.describe_table(TableName=things)).partition(":")[0],
            "foreign": code_of(lambda: dynamodb.describe_table(TableName="other-things")),
            "queue": code_of(lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])),
            "send": code_of(lambda: sqs.send_message(QueueUrl=url, MessageBody="x")),
            "topics": code_of(lambda: world.client("sns", keys).list_topics()),
        }

    tagged = role("tagged", {"Key": "TENANT_NAME", "Value": world.name})
    full = {"table": "ResourceNotFoundException", "foreign": "denied", "queue": "OK", "send": "OK"}
    assert may(world.assume(user, tagged)) == full | {"topics": "denied"}
    narrow = may(world.assume(user, tagged, PolicyArns=[{"arn": level}]))
    assert narrow == {
        "table": "denied",
        "foreign": "denied",
        "queue": "OK",
        "send": "denied",
        "topics": "denied",
    }
    # Without the tag the variable is unknown and matches nothing.
    assert set(may(world.assume(user, role("untagged"))).values()) == {"denied"}
