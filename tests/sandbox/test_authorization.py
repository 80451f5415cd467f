"""IAM in the services of a control plane: a tenant's role reaches what is named after the tenant, only."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.fixtures.sandbox import Keys
from tests.sandbox.test_control_plane import archive
from tests.sandbox.world import World, allow, document, trust

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_V = "${aws:PrincipalTag/TENANT_NAME}"
_MACHINE = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'

# A path below an ARN's account, by service: what a fence by names allows.
_NAMED = {
    "athena": ["workgroup/{}-*"],
    "autoscaling": ["autoScalingGroup:*:autoScalingGroupName/{}-*"],
    "batch": ["job-queue/{}-*", "job-definition/{}-*", "compute-environment/{}-*"],
    "cloudwatch": ["alarm:{}-*"],
    "codebuild": ["project/{}-*"],
    "ecr": ["repository/{}-*"],
    "ecs": ["cluster/{}-*", "service/{}-*", "task/{}-*", "task-definition/{}-*"],
    "elasticache": ["cluster:{}-*", "subnetgroup:{}-*", "parametergroup:{}-*", "replicationgroup:{}-*"],
    "elasticloadbalancing": ["loadbalancer/app/{}-*", "targetgroup/{}-*", "listener/app/{}-*"],
    "es": ["domain/{}-*"],
    "events": ["rule/{}-*", "event-bus/{}-*"],
    "firehose": ["deliverystream/{}-*"],
    "glue": ["catalog", "database/{}-*", "table/{}-*", "job/{}-*"],
    "lambda": ["function:{}-*", "layer:{}-*"],
    "logs": ["log-group:{}-*", "log-group:/aws/lambda/{}-*"],
    "rds": ["db:{}-*", "cluster:{}-*", "subgrp:{}-*", "pg:{}-*", "snapshot:{}-*"],
    "scheduler": ["schedule/{}-*/*", "schedule-group/{}-*"],
    "secretsmanager": ["secret:{}-*"],
    "ssm": ["parameter/{}-*", "parameter/{}/*"],
    "states": ["stateMachine:{}-*", "execution:{}-*", "activity:{}-*"],
}


def named(account: str, tenant: str = _V) -> dict[str, Any]:
    """Return a statement that allows the services above everything on resources named after *tenant*."""
    return allow(
        [f"{service}:*" for service in _NAMED],
        [
            f"arn:aws:{service}:*:{account}:{path.format(tenant)}"
            for service, paths in _NAMED.items()
            for path in paths
        ],
    )


def tenant_keys(world: World, *statements: dict[str, Any], tenant: str = "") -> Keys:
    """Return keys of a session of a role that is tagged with the tenant and has these statements."""
    arn, keys = world.user()
    role = world.role(trust(arn), *statements)
    if tags := [{"Key": "TENANT_NAME", "Value": tenant or world.name}]:
        world.client("iam").tag_role(RoleName=role.rpartition("/")[2], Tags=tags)
    return world.assume(keys, role)


def role_for(world: World) -> str:
    """Return the ARN of a role that anybody may be given."""
    name = f"{world.name}-passed"
    iam = world.client("iam")
    try:
        arn: str = iam.get_role(RoleName=name)["Role"]["Arn"]
    except ClientError:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust("*")))["Role"]["Arn"]
    return arn


def code_of(call: Callable[..., object], *arguments: object) -> str:
    """Return the result of *call* with these arguments: `OK`, `denied` or another error."""
    try:
        call(*arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "denied" if code in DENIED else f"{code}: {error.response['Error']['Message']}"
    return "OK"


Call = Callable[[Any, str, str], object]

CREATES: dict[str, tuple[str, Call]] = {
    "lambda": (
        "lambda",
        lambda c, p, role: c.create_function(
            FunctionName=f"{p}-f",
            Runtime="python3.12",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": archive("pass")},
        ),
    ),
    "ecs cluster": ("ecs", lambda c, p, _: c.create_cluster(clusterName=f"{p}-c")),
    "ecs task definition": (
        "ecs",
        lambda c, p, _: c.register_task_definition(
            family=f"{p}-t", containerDefinitions=[{"name": "a", "image": "b", "memory": 64}]
        ),
    ),
    "ecr": ("ecr", lambda c, p, _: c.create_repository(repositoryName=f"{p}-r")),
    "events rule": ("events", lambda c, p, _: c.put_rule(Name=f"{p}-r", ScheduleExpression="rate(1 day)")),
    "events bus": ("events", lambda c, p, _: c.create_event_bus(Name=f"{p}-b")),
    "states": (
        "stepfunctions",
        lambda c, p, role: c.create_state_machine(name=f"{p}-m", roleArn=role, definition=_MACHINE),
    ),
    "scheduler group": ("scheduler", lambda c, p, _: c.create_schedule_group(Name=f"{p}-g")),
    "batch": (
        "batch",
        lambda c, p, _: c.create_job_queue(jobQueueName=f"{p}-q", priority=1, computeEnvironmentOrder=[]),
    ),
    "codebuild": (
        "codebuild",
        lambda c, p, role: c.create_project(
            name=f"{p}-p",
            source={"type": "NO_SOURCE", "buildspec": "x"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=role,
        ),
    ),
    "autoscaling": (
        "autoscaling",
        lambda c, p, _: c.create_auto_scaling_group(
            AutoScalingGroupName=f"{p}-g", MinSize=0, MaxSize=1, AvailabilityZones=["us-east-1a"]
        ),
    ),
    "load balancer": ("elbv2", lambda c, p, _: c.create_load_balancer(Name=f"{p}-l")),
    "target group": ("elbv2", lambda c, p, _: c.create_target_group(Name=f"{p}-t")),
    "rds": (
        "rds",
        lambda c, p, _: c.create_db_instance(
            DBInstanceIdentifier=f"{p}-d",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            MasterUsername="owner",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
        ),
    ),
    "elasticache": (
        "elasticache",
        lambda c, p, _: c.create_cache_cluster(
            CacheClusterId=f"{p}-c", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
        ),
    ),
    "opensearch": ("opensearch", lambda c, p, _: c.create_domain(DomainName=f"{p}-d")),
    "firehose": ("firehose", lambda c, p, _: c.create_delivery_stream(DeliveryStreamName=f"{p}-s")),
    "glue database": ("glue", lambda c, p, _: c.create_database(DatabaseInput={"Name": f"{p}-d"})),
    "glue table": (
        "glue",
        lambda c, p, _: c.create_table(DatabaseName=f"{p}-d", TableInput={"Name": "t"}),
    ),
    "glue job": (
        "glue",
        lambda c, p, role: c.create_job(Name=f"{p}-j", Role=role, Command={"Name": "pythonshell"}),
    ),
    "athena": ("athena", lambda c, p, _: c.create_work_group(Name=f"{p}-w")),
    "secretsmanager": ("secretsmanager", lambda c, p, _: c.create_secret(Name=f"{p}-s", SecretString="x")),
    "ssm": ("ssm", lambda c, p, _: c.put_parameter(Name=f"/{p}/a", Value="x", Type="String")),
    "logs": ("logs", lambda c, p, _: c.create_log_group(logGroupName=f"/aws/lambda/{p}-f")),
    "cloudwatch": (
        "cloudwatch",
        lambda c, p, _: c.put_metric_alarm(
            AlarmName=f"{p}-a",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="m",
            Namespace="n",
            Period=60,
            Threshold=1.0,
        ),
    ),
}

USES: dict[str, tuple[str, Call]] = {
    "lambda": ("lambda", lambda c, p, _: c.invoke(FunctionName=f"{p}-f", Payload=b"{}")),
    "lambda by ARN": (
        "lambda",
        lambda c, p, _: c.get_function(FunctionName=f"arn:aws:lambda:us-east-1:111122223333:function:{p}-f"),
    ),
    "ecs service": (
        "ecs",
        lambda c, p, _: c.create_service(cluster=f"{p}-c", serviceName=f"{p}-s", taskDefinition=f"{p}-t"),
    ),
    "ecs update": (
        "ecs",
        lambda c, p, _: c.update_service(cluster=f"{p}-c", service=f"{p}-s", desiredCount=0),
    ),
    "ecs task": ("ecs", lambda c, p, _: c.run_task(cluster=f"{p}-c", taskDefinition=f"{p}-t:1")),
    "events": ("events", lambda c, p, _: c.disable_rule(Name=f"{p}-r")),
    "events put": (
        "events",
        lambda c, p, _: c.put_events(
            Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": f"{p}-b"}]
        ),
    ),
    "states": (
        "stepfunctions",
        lambda c, p, _: c.start_execution(
            stateMachineArn=f"arn:aws:states:us-east-1:111122223333:stateMachine:{p}-m"
        ),
    ),
    "codebuild": ("codebuild", lambda c, p, _: c.start_build(projectName=f"{p}-p")),
    "glue": ("glue", lambda c, p, _: c.start_job_run(JobName=f"{p}-j")),
    "glue table": ("glue", lambda c, p, _: c.get_table(DatabaseName=f"{p}-d", Name="t")),
    "rds": ("rds", lambda c, p, _: c.stop_db_instance(DBInstanceIdentifier=f"{p}-d")),
    "secretsmanager": ("secretsmanager", lambda c, p, _: c.get_secret_value(SecretId=f"{p}-s")),
    "ssm": ("ssm", lambda c, p, _: c.get_parameter(Name=f"/{p}/a")),
    "logs": ("logs", lambda c, p, _: c.filter_log_events(logGroupName=f"/aws/lambda/{p}-f")),
    "athena": (
        "athena",
        lambda c, p, _: c.start_query_execution(QueryString="SELECT 1", WorkGroup=f"{p}-w"),
    ),
    "cloudwatch": ("cloudwatch", lambda c, p, _: c.delete_alarms(AlarmNames=[f"{p}-a"])),
    "opensearch": ("opensearch", lambda c, p, _: c.describe_domain(DomainName=f"{p}-d")),
}


def test_a_role_creates_and_uses_resources_named_after_its_tenant(world: World) -> None:
    passes = allow("iam:PassRole", role_for(world))
    keys = tenant_keys(world, named(world.sandbox.account_id), passes)
    found = {
        f"{stage} {name}": code_of(call, world.client(service, keys), world.name, role_for(world))
        for stage, calls in (("create", CREATES), ("use", USES))
        for name, (service, call) in calls.items()
    }
    assert {name: code for name, code in found.items() if code != "OK"} == {}


def test_a_role_neither_creates_nor_uses_resources_named_after_another_tenant(world: World) -> None:
    passes = allow("iam:PassRole", role_for(world))
    keys = tenant_keys(world, named(world.sandbox.account_id), passes)
    root, other = world.client, f"x{world.name}"
    for service, call in CREATES.values():
        call(root(service), other, role_for(world))
    found = {
        f"{stage} {name}": code_of(call, world.client(service, keys), other, role_for(world))
        for stage, calls in (("create", CREATES), ("use", USES))
        for name, (service, call) in calls.items()
    }
    assert {name: code for name, code in found.items() if code != "denied"} == {}
