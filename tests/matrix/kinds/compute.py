"""Functions, containers, jobs and builds."""

import io
import json
import zipfile

from tests.matrix.kinds.model import Client, Kind, Place

_MACHINE = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})


def package(code: str = "pass") -> bytes:
    """Return a deployment package of a Lambda function."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    {code}\n")
    return file.getvalue()


def create_function(functions: Client, at: Place, code: str = "pass") -> str:
    """Create a function and return its ARN."""
    arn: str = functions.create_function(
        FunctionName=at.name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=at.role,
        Code={"ZipFile": package(code)},
        Tags=at.tag_map,
    )["FunctionArn"]
    return arn


def _create_task_definition(ecs: Client, at: Place) -> str:
    arn: str = ecs.register_task_definition(
        family=at.name,
        taskRoleArn=at.role,
        containerDefinitions=[{"name": "a", "image": "b", "memory": 64}],
        tags=at.tags("key", "value"),
    )["taskDefinition"]["taskDefinitionArn"]
    return arn


def _create_service(ecs: Client, at: Place) -> str:
    ecs.create_cluster(clusterName=at.name, tags=at.tags("key", "value"))
    _create_task_definition(ecs, at)
    arn: str = ecs.create_service(
        cluster=at.name, serviceName="web", taskDefinition=at.name, tags=at.tags("key", "value")
    )["service"]["serviceArn"]
    return arn


def _create_project(codebuild: Client, at: Place) -> str:
    codebuild.create_project(
        name=at.name,
        source={"type": "NO_SOURCE", "buildspec": "x"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=at.role,
        tags=at.tags("key", "value"),
    )
    return at.name


def _create_queue(batch: Client, at: Place) -> str:
    arn: str = batch.create_job_queue(
        jobQueueName=at.name, priority=1, computeEnvironmentOrder=[], tags=at.tag_map
    )["jobQueueArn"]
    batch.register_job_definition(
        jobDefinitionName=at.name,
        type="container",
        containerProperties={"image": "b", "jobRoleArn": at.role, "vcpus": 1, "memory": 64},
        tags=at.tag_map,
    )
    return arn


def _create_group(autoscaling: Client, at: Place) -> str:
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=at.name,
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
        Tags=[at.tags()[0] | {"PropagateAtLaunch": True}],
    )
    return at.name


def _cluster(service_arn: str) -> str:
    return service_arn.split("/")[1]


COMPUTE = (
    Kind(
        "Lambda function",
        "lambda",
        create=create_function,
        use=lambda c, it: c.get_function(FunctionName=it),
        tag=lambda c, it, key, value: c.tag_resource(Resource=it, Tags={key: value}),
        start=lambda c, it: c.invoke(FunctionName=it, Payload=b"{}"),
    ),
    Kind(
        "ECS service",
        "ecs",
        create=_create_service,
        use=lambda c, it: c.update_service(cluster=_cluster(it), service="web", desiredCount=0),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags=[{"key": key, "value": value}]),
        start=lambda c, it: c.run_task(cluster=_cluster(it), taskDefinition=f"{_cluster(it)}:1"),
        is_made_by_tenant=False,
    ),
    Kind(
        "ECS task definition",
        "ecs",
        create=_create_task_definition,
        use=lambda c, it: c.list_tags_for_resource(resourceArn=it),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags=[{"key": key, "value": value}]),
    ),
    Kind(
        "state machine",
        "stepfunctions",
        create=lambda c, at: c.create_state_machine(
            name=at.name, roleArn=at.role, definition=_MACHINE, tags=at.tags("key", "value")
        )["stateMachineArn"],
        use=lambda c, it: c.describe_state_machine(stateMachineArn=it),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags=[{"key": key, "value": value}]),
        start=lambda c, it: c.start_execution(stateMachineArn=it),
    ),
    Kind(
        "CodeBuild project",
        "codebuild",
        create=_create_project,
        use=lambda c, it: c.batch_get_projects(names=[it]),
        tag=lambda c, it, key, value: c.update_project(name=it, tags=[{"key": key, "value": value}]),
        start=lambda c, it: c.start_build(projectName=it),
        is_tagged_by_tenant=False,
    ),
    Kind(
        "Batch job queue",
        "batch",
        create=_create_queue,
        use=lambda c, it: c.submit_job(jobName="j", jobQueue=it, jobDefinition=it.rpartition("/")[2]),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags={key: value}),
    ),
    Kind(
        "Auto Scaling group",
        "autoscaling",
        create=_create_group,
        use=lambda c, it: c.set_desired_capacity(AutoScalingGroupName=it, DesiredCapacity=0),
        tag=lambda c, it, key, value: c.create_or_update_tags(
            Tags=[
                {
                    "ResourceId": it,
                    "ResourceType": "auto-scaling-group",
                    "Key": key,
                    "Value": value,
                    "PropagateAtLaunch": True,
                }
            ]
        ),
        is_made_by_tenant=False,
    ),
)
