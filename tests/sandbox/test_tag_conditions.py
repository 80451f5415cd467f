"""Condition keys of tags, of passed roles and of direct calls, in the services of a control plane."""

from collections.abc import Callable
from typing import Any

from tests.fixtures.sandbox import Keys
from tests.sandbox.test_authorization import code_of, role_for, tenant_keys
from tests.sandbox.test_control_plane import archive
from tests.sandbox.world import World, allow, document, trust

_V = "${aws:PrincipalTag/TENANT_NAME}"
_OWN = {"StringEquals": {"aws:ResourceTag/TENANT_NAME": _V}}
_TAGGED = {"StringEquals": {"aws:RequestTag/TENANT_NAME": _V}}
_FOREIGN = {"Null": {"aws:ResourceTag/TENANT_NAME": "false"}} | {
    "StringNotEquals": {"aws:ResourceTag/TENANT_NAME": _V}
}


def deny(actions: Any, condition: dict[str, Any], resources: Any = "*") -> dict[str, Any]:  # noqa: ANN401  JSON
    """Return a Deny statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, "Condition": condition}


def tag_list(tenant: str, key: str = "TENANT_NAME") -> list[dict[str, str]]:
    """Return tags as most services write them."""
    return [{"Key": key, "Value": tenant}]


def specified(tenant: str, *kinds: str, key: str = "TENANT_NAME") -> list[dict[str, Any]]:
    """Return the tags of EC2's parts."""
    return [{"ResourceType": kind, "Tags": tag_list(tenant, key)} for kind in kinds]


Make = Callable[[Any, str], str]
Use = Callable[[Any, str], object]

_ACCOUNT = "arn:aws:{}:us-east-1:111122223333:{}"
_CODEBUILD = {
    "source": {"type": "NO_SOURCE", "buildspec": "x"},
    "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
}
# For each service a resource that is made with the tenant's tag, and a call on it.
TAGGED: dict[str, tuple[str, Make, Use]] = {
    "volume": (
        "ec2",
        lambda c, t: c.create_volume(
            AvailabilityZone="us-east-1a", Size=1, TagSpecifications=specified(t, "volume")
        )["VolumeId"],
        lambda c, it: c.delete_volume(VolumeId=it),
    ),
    "security group": (
        "ec2",
        lambda c, t: c.create_security_group(
            GroupName=t, Description="x", TagSpecifications=specified(t, "security-group")
        )["GroupId"],
        lambda c, it: c.delete_security_group(GroupId=it),
    ),
    "instance": (
        "ec2",
        lambda c, t: c.run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=specified(t, "instance", "volume", "network-interface"),
        )["Instances"][0]["InstanceId"],
        lambda c, it: c.stop_instances(InstanceIds=[it]),
    ),
    "file system": (
        "efs",
        lambda c, t: c.create_file_system(CreationToken=t, Tags=tag_list(t))["FileSystemId"],
        lambda c, it: c.delete_file_system(FileSystemId=it),
    ),
    "certificate": (
        "acm",
        lambda c, t: c.request_certificate(DomainName=f"{t}.example.com", Tags=tag_list(t))["CertificateArn"],
        lambda c, it: c.delete_certificate(CertificateArn=it),
    ),
    "key": (
        "kms",
        lambda c, t: c.create_key(Tags=[{"TagKey": "TENANT_NAME", "TagValue": t}])["KeyMetadata"]["KeyId"],
        lambda c, it: c.encrypt(KeyId=it, Plaintext=b"x"),
    ),
    "database": (
        "rds",
        lambda c, t: c.create_db_instance(
            DBInstanceIdentifier=f"{t}-tagged",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            MasterUsername="owner",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
            Tags=tag_list(t),
        )["DBInstance"]["DBInstanceIdentifier"],
        lambda c, it: c.stop_db_instance(DBInstanceIdentifier=it),
    ),
    "cluster": (
        "ecs",
        lambda c, t: c.create_cluster(clusterName=f"{t}-tagged", tags=[{"key": "TENANT_NAME", "value": t}])[
            "cluster"
        ]["clusterName"],
        lambda c, it: c.delete_cluster(cluster=it),
    ),
    "target group": (
        "elbv2",
        lambda c, t: c.create_target_group(Name=f"{t}-tg", Tags=tag_list(t))["TargetGroups"][0][
            "TargetGroupArn"
        ],
        lambda c, it: c.delete_target_group(TargetGroupArn=it),
    ),
    "secret": (
        "secretsmanager",
        lambda c, t: c.create_secret(Name=f"{t}-tagged", SecretString="x", Tags=tag_list(t))["Name"],
        lambda c, it: c.get_secret_value(SecretId=it),
    ),
    "log group": (
        "logs",
        lambda c, t: (
            c.create_log_group(logGroupName=f"{t}-tagged", tags={"TENANT_NAME": t}) and f"{t}-tagged"
        ),
        lambda c, it: c.delete_log_group(logGroupName=it),
    ),
    "parameter": (
        "ssm",
        lambda c, t: (
            c.put_parameter(Name=f"/{t}/tagged", Value="x", Type="String", Tags=tag_list(t))
            and f"/{t}/tagged"
        ),
        lambda c, it: c.get_parameter(Name=it),
    ),
    "repository": (
        "ecr",
        lambda c, t: c.create_repository(repositoryName=f"{t}-tagged", tags=tag_list(t))["repository"][
            "repositoryName"
        ],
        lambda c, it: c.describe_images(repositoryName=it),
    ),
    "rule": (
        "events",
        lambda c, t: (
            c.put_rule(Name=f"{t}-tagged", ScheduleExpression="rate(1 day)", Tags=tag_list(t))
            and f"{t}-tagged"
        ),
        lambda c, it: c.disable_rule(Name=it),
    ),
    "domain": (
        "opensearch",
        lambda c, t: c.create_domain(DomainName=f"{t}-os", TagList=tag_list(t))["DomainStatus"]["DomainName"],
        lambda c, it: c.describe_domain(DomainName=it),
    ),
    "alarm": (
        "cloudwatch",
        lambda c, t: (
            c.put_metric_alarm(
                AlarmName=f"{t}-tagged",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                MetricName="m",
                Namespace="n",
                Period=60,
                Threshold=1.0,
                Tags=tag_list(t),
            )
            and f"{t}-tagged"
        ),
        lambda c, it: c.delete_alarms(AlarmNames=[it]),
    ),
    "stream": (
        "firehose",
        lambda c, t: (
            c.create_delivery_stream(DeliveryStreamName=f"{t}-tagged", Tags=tag_list(t)) and f"{t}-tagged"
        ),
        lambda c, it: c.delete_delivery_stream(DeliveryStreamName=it),
    ),
    "schedule group": (
        "scheduler",
        lambda c, t: c.create_schedule_group(Name=f"{t}-tagged", Tags=tag_list(t)) and f"{t}-tagged",
        lambda c, it: c.delete_schedule_group(Name=it),
    ),
    "glue database": (
        "glue",
        lambda c, t: (
            c.create_database(DatabaseInput={"Name": f"{t}-tagged"}, Tags={"TENANT_NAME": t})
            and f"{t}-tagged"
        ),
        lambda c, it: c.tag_resource(
            ResourceArn=_ACCOUNT.format("glue", f"database/{it}"), TagsToAdd={"a": "b"}
        ),
    ),
    "API": (
        "apigateway",
        lambda c, t: c.create_rest_api(name=t, tags={"TENANT_NAME": t})["id"],
        lambda c, it: c.get_resources(restApiId=it),
    ),
    "queue": (
        "sqs",
        lambda c, t: c.create_queue(QueueName=f"{t}-tagged", tags={"TENANT_NAME": t})["QueueUrl"],
        lambda c, it: c.get_queue_attributes(QueueUrl=it, AttributeNames=["All"]),
    ),
}


def on_all(world: World, keys: Keys | None, tenants: dict[str, str]) -> dict[str, str]:
    """Return the result of using each resource that *tenants* gives, with *keys*."""
    return {
        name: code_of(use, world.client(service, keys), tenants[name])
        for name, (service, _, use) in TAGGED.items()
    }


def made(world: World, tenant: str, keys: Keys | None = None) -> dict[str, str]:
    """Make each resource with the tenant's tag and return their ids."""
    return {name: make(world.client(service, keys), tenant) for name, (service, make, _) in TAGGED.items()}


def different(found: dict[str, str], expected: str) -> dict[str, str]:
    """Return the results that are not the expected one."""
    return {name: code for name, code in found.items() if code != expected}


def test_the_resource_tag_decides_in_every_service(world: World) -> None:
    keys = tenant_keys(world, allow("*", Condition=_OWN))
    assert different(on_all(world, keys, made(world, f"x{world.name}")), "denied") == {}
    assert different(on_all(world, keys, made(world, world.name)), "OK") == {}


def test_a_guard_in_the_boundary_alone_keeps_out_foreign_resources(world: World) -> None:
    name = f"{world.name}-guarded"
    arn, user = world.user()
    iam = world.client("iam")
    boundary = document(allow("*"), deny("*", _FOREIGN))
    limit = iam.create_policy(PolicyName=f"{world.name}-boundary", PolicyDocument=boundary)["Policy"]["Arn"]
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=document(trust(arn)),
        PermissionsBoundary=limit,
        Tags=tag_list(world.name),
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(allow("*")))
    keys = world.assume(user, role)
    assert different(on_all(world, keys, made(world, f"x{world.name}")), "denied") == {}
    own = TAGGED["queue"][1](world.client("sqs"), world.name)
    assert code_of(TAGGED["queue"][2], world.client("sqs", keys), own) == "OK"


def test_resources_are_created_with_the_tenants_tag_only(world: World) -> None:
    actions = [
        f"{service}:Create*" for service in ("ec2", "efs", "elasticfilesystem", "kms", "acm", "ecs", "rds")
    ]
    actions += ["acm:Request*", "elasticloadbalancing:*", "secretsmanager:*", "logs:*", "ssm:*", "ecr:*"]
    actions += ["events:*", "es:*", "cloudwatch:*", "firehose:*", "scheduler:*", "glue:*", "apigateway:*"]
    keys = tenant_keys(
        world,
        allow([*actions, "kms:TagResource", "rds:AddTagsToResource", "*:TagResource"], Condition=_TAGGED),
        allow(
            "ec2:RunInstances", Condition=_TAGGED, Resource=part("instance", "volume", "network-interface")
        ),
        allow("ec2:RunInstances", part("subnet", "security-group", "image")),
        allow("sqs:*"),
        allow("iam:PassRole"),
    )
    found = {
        tenant: {
            name: code_of(make, world.client(service, keys), tenant)
            for name, (service, make, _) in TAGGED.items()
            if name != "queue"
        }
        for tenant in (world.name, f"x{world.name}")
    }
    assert different(found[world.name], "OK") == {}
    assert different(found[f"x{world.name}"], "denied") == {}


def part(*kinds: str) -> list[str]:
    """Return the ARNs of all of EC2's resources of these types."""
    return [f"arn:aws:ec2:*:*:{kind}/*" for kind in kinds]


def run(world: World, keys: Keys, **more: object) -> str:
    """Return the result of starting an instance."""
    ec2 = world.client("ec2", keys)
    return code_of(lambda: ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, **more))


def test_ec2_decides_for_each_part_of_a_new_instance(world: World) -> None:
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        tenant: ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", TagSpecifications=specified(tenant, "subnet")
        )["Subnet"]["SubnetId"]
        for number, tenant in enumerate([world.name, "other"])
    }
    parts = ("instance", "volume", "network-interface")
    keys = tenant_keys(
        world,
        allow("ec2:RunInstances", part(*parts), Condition=_TAGGED),
        allow("ec2:RunInstances", part("subnet"), Condition=_OWN),
        allow("ec2:RunInstances", part("image", "security-group")),
        allow("ec2:CreateTags", Condition={"StringEquals": {"ec2:CreateAction": "RunInstances"}}),
    )
    own = specified(world.name, *parts)

    assert run(world, keys, SubnetId=subnets[world.name], TagSpecifications=own) == "OK"
    lower = specified(world.name, *parts, key="tenant_name")
    assert run(world, keys, SubnetId=subnets[world.name], TagSpecifications=lower) == "OK"
    assert run(world, keys, SubnetId=subnets[world.name], TagSpecifications=own[:1]) == "denied"
    assert run(world, keys, SubnetId=subnets["other"], TagSpecifications=own) == "denied"
    assert run(world, keys, SubnetId=subnets[world.name]) == "denied"
    foreign = specified("other", *parts)
    assert run(world, keys, SubnetId=subnets[world.name], TagSpecifications=foreign) == "denied"


def test_tags_of_an_existing_instance_are_not_those_of_its_creation(world: World) -> None:
    volume = TAGGED["volume"][1](world.client("ec2"), "other")
    creation = {"StringEquals": {"ec2:CreateAction": "CreateVolume"}}
    keys = tenant_keys(world, allow("ec2:CreateVolume"), allow("ec2:CreateTags", Condition=creation))
    ec2 = world.client("ec2", keys)
    assert code_of(lambda: TAGGED["volume"][1](ec2, world.name)) == "OK"
    assert code_of(lambda: ec2.create_tags(Resources=[volume], Tags=tag_list(world.name))) == "denied"
    untagging = world_keys(world, "untagging", allow("ec2:CreateVolume"))
    assert code_of(TAGGED["volume"][1], world.client("ec2", untagging), world.name) == "denied"


def test_a_guard_of_tag_keys_ignores_case_in_every_protocol(world: World) -> None:
    guard = {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": "TENANT_NAME"}}
    guard |= {"StringNotEquals": {"aws:RequestTag/TENANT_NAME": _V}}
    keys = tenant_keys(world, allow("*"), deny("*", guard))
    ids = made(world, world.name)
    arns = {
        "rds": _ACCOUNT.format("rds", f"db:{ids['database']}"),
        "ecs": _ACCOUNT.format("ecs", f"cluster/{ids['cluster']}"),
        "es": _ACCOUNT.format("es", f"domain/{ids['domain']}"),
        "logs": _ACCOUNT.format("logs", f"log-group:{ids['log group']}"),
        "api": f"arn:aws:apigateway:us-east-1::/restapis/{ids['API']}",
    }

    def client(service: str) -> Any:  # noqa: ANN401  boto3's type
        return world.client(service, keys)

    calls: dict[str, Callable[[list[dict[str, str]]], object]] = {
        "ec2": lambda tags: client("ec2").create_tags(Resources=[ids["volume"]], Tags=tags),
        "rds": lambda tags: client("rds").add_tags_to_resource(ResourceName=arns["rds"], Tags=tags),
        "elb": lambda tags: client("elbv2").add_tags(ResourceArns=[ids["target group"]], Tags=tags),
        "acm": lambda tags: client("acm").add_tags_to_certificate(
            CertificateArn=ids["certificate"], Tags=tags
        ),
        "efs": lambda tags: client("efs").tag_resource(ResourceId=ids["file system"], Tags=tags),
        "es": lambda tags: client("opensearch").add_tags(ARN=arns["es"], TagList=tags),
        "ecs": lambda tags: client("ecs").tag_resource(
            resourceArn=arns["ecs"], tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
        ),
        "kms": lambda tags: client("kms").tag_resource(
            KeyId=ids["key"], Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]
        ),
        "logs": lambda tags: client("logs").tag_resource(
            resourceArn=arns["logs"], tags={tag["Key"]: tag["Value"] for tag in tags}
        ),
        "apigateway": lambda tags: client("apigateway").tag_resource(
            resourceArn=arns["api"], tags={tag["Key"]: tag["Value"] for tag in tags}
        ),
        "untag ecs": lambda tags: client("ecs").untag_resource(
            resourceArn=arns["ecs"], tagKeys=[tag["Key"] for tag in tags]
        ),
        "untag efs": lambda tags: client("efs").untag_resource(
            ResourceId=ids["file system"], TagKeys=[tag["Key"] for tag in tags]
        ),
        "untag apigateway": lambda tags: client("apigateway").untag_resource(
            resourceArn=arns["api"], tagKeys=[tag["Key"] for tag in tags]
        ),
        "untag elb": lambda tags: client("elbv2").remove_tags(
            ResourceArns=[ids["target group"]], TagKeys=[tag["Key"] for tag in tags]
        ),
        "untag es": lambda tags: client("opensearch").remove_tags(
            ARN=arns["es"], TagKeys=[tag["Key"] for tag in tags]
        ),
    }
    for name in ("TENANT_NAME", "Tenant_Name"):
        found = {call: code_of(tag, tag_list("other", name)) for call, tag in calls.items()}
        assert different(found, "denied") == {}
    found = {call: code_of(tag, tag_list("x", "Stage")) for call, tag in calls.items()}
    assert different(found, "OK") == {}


PASSES: dict[str, tuple[str, str, Callable[[Any, str, str], object]]] = {
    "lambda": (
        "lambda",
        "lambda",
        lambda c, n, role: c.create_function(
            FunctionName=n, Runtime="python3.12", Handler="i.h", Role=role, Code={"ZipFile": archive("pass")}
        ),
    ),
    "ecs": (
        "ecs",
        "ecs-tasks",
        lambda c, n, role: c.register_task_definition(
            family=n, taskRoleArn=role, containerDefinitions=[{"name": "a", "image": "b", "memory": 64}]
        ),
    ),
    "states": (
        "stepfunctions",
        "states",
        lambda c, n, role: c.create_state_machine(
            name=n, roleArn=role, definition='{"StartAt":"a","States":{"a":{"Type":"Pass","End":true}}}'
        ),
    ),
    "events": (
        "events",
        "events",
        lambda c, n, role: (
            c.put_rule(Name=n, ScheduleExpression="rate(1 day)"),
            c.put_targets(Rule=n, Targets=[{"Id": "a", "Arn": _ACCOUNT.format("sqs", n), "RoleArn": role}]),
        ),
    ),
    "scheduler": (
        "scheduler",
        "scheduler",
        lambda c, n, role: c.create_schedule(
            Name=n,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": _ACCOUNT.format("sqs", n), "RoleArn": role},
        ),
    ),
    "firehose": (
        "firehose",
        "firehose",
        lambda c, n, role: c.create_delivery_stream(
            DeliveryStreamName=n,
            ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{n}"},
        ),
    ),
    "codebuild": (
        "codebuild",
        "codebuild",
        lambda c, n, role: c.create_project(name=n, serviceRole=role, **_CODEBUILD),
    ),
    "glue": ("glue", "glue", lambda c, n, role: c.create_job(Name=n, Role=role, Command={})),
    "batch": (
        "batch",
        "ecs-tasks",
        lambda c, n, role: c.register_job_definition(
            jobDefinitionName=n,
            type="container",
            containerProperties={"image": "x", "jobRoleArn": role, "vcpus": 1, "memory": 64},
        ),
    ),
    "ec2": (
        "ec2",
        "ec2",
        lambda c, _, role: c.run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": role.rpartition("/")[2]},
        ),
    ),
}


def test_a_role_is_passed_with_the_right_to_pass_it_to_that_service(world: World) -> None:
    role = role_for(world)
    name = role.rpartition("/")[2]
    iam = world.client("iam")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    everything_else = {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}
    none = tenant_keys(world, everything_else)
    found = {}
    for call, (service, receiver, passing) in PASSES.items():
        to = {"StringEquals": {"iam:PassedToService": f"{receiver}.amazonaws.com"}}
        right = world_keys(world, call, everything_else, allow("iam:PassRole", role, Condition=to))
        elsewhere = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
        wrong = world_keys(
            world, f"{call}-w", everything_else, allow("iam:PassRole", role, Condition=elsewhere)
        )
        found[call] = tuple(
            code_of(passing, world.client(service, keys), f"{world.name}-{call}", role)
            for keys in (none, wrong, right)
        )
    assert {call: codes for call, codes in found.items() if codes != ("denied", "denied", "OK")} == {}


def world_keys(world: World, suffix: str, *statements: dict[str, Any]) -> Keys:
    """Return keys of a session of one more role."""
    arn, keys = world.user(suffix=f"user-{suffix}")
    return world.assume(keys, world.role(trust(arn), *statements, suffix=suffix))


def test_a_user_ends_only_their_own_sessions(world: World) -> None:
    own = f"arn:aws:ssm:*:{world.sandbox.account_id}:session/${{aws:userid}}-*"
    statements = (allow("ssm:StartSession"), allow("ssm:TerminateSession", own))
    dana, alex = (world.client("ssm", world_keys(world, name, *statements)) for name in ("dana", "alex"))
    session = dana.start_session(Target="i-0123456789abcdef0")["SessionId"]
    assert code_of(lambda: alex.terminate_session(SessionId=session)) == "denied"
    assert code_of(lambda: dana.terminate_session(SessionId=session)) == "OK"


def test_a_mapping_is_that_of_its_function(world: World) -> None:
    functions = {name: f"{world.name}-{name}" for name in ("own", "other")}
    root, role = world.client("lambda"), role_for(world)
    queue = world.client("sqs").create_queue(QueueName=world.name) and _ACCOUNT.format("sqs", world.name)
    mappings = {}
    for name, function in functions.items():
        PASSES["lambda"][2](root, function, role)
        mapping = root.create_event_source_mapping(FunctionName=function, EventSourceArn=queue)
        mappings[name] = mapping["UUID"]
    own = {"ArnEquals": {"lambda:FunctionArn": _ACCOUNT.format("lambda", f"function:{functions['own']}")}}
    keys = world_keys(world, "mapper", allow("lambda:*EventSourceMapping", Condition=own))
    client = world.client("lambda", keys)

    def update(name: str, function: str) -> str:
        return code_of(
            lambda: client.update_event_source_mapping(UUID=mappings[name], FunctionName=functions[function])
        )

    assert update("own", "own") == "OK"
    assert update("own", "other") == "denied"
    assert update("other", "own") == "denied"
    assert code_of(lambda: client.delete_event_source_mapping(UUID=mappings["other"])) == "denied"


def test_resources_of_other_accounts_and_tags_in_other_case(world: World) -> None:
    account = {"StringEquals": {"aws:ResourceAccount": world.sandbox.account_id}}
    keys = world_keys(world, "account", allow("lambda:*", Condition=account))
    foreign = f"arn:aws:lambda:us-east-1:210987654321:function:{world.name}"
    assert code_of(lambda: world.client("lambda", keys).get_function(FunctionName=foreign)) == "denied"

    cluster = f"{world.name}-lower"
    tags = [{"key": "tenant_name", "value": world.name}]
    world.client("ecs").create_cluster(clusterName=cluster, tags=tags)
    tenant = tenant_keys(world, allow("ecs:*", Condition=_OWN))
    assert code_of(lambda: world.client("ecs", tenant).delete_cluster(cluster=cluster)) == "OK"


def test_a_direct_call_is_not_made_by_a_service(world: World) -> None:
    direct = {"Bool": {"aws:ViaAWSService": "false"}}
    address = direct | {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    inside = direct | {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    outside = tenant_keys(world, allow("*"), deny("*", address))
    assert code_of(lambda: world.client("sqs", outside).list_queues()) == "denied"
    there = world_keys(world, "inside", allow("*"), deny("*", inside))
    assert code_of(lambda: world.client("sqs", there).list_queues()) == "OK"
