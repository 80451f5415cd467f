"""The roles that a call passes to a service, for which AWS requires `iam:PassRole`."""

from fnmatch import fnmatchcase

from daypass.sandbox.authorization.call import Call

_TASKS = "ecs-tasks.amazonaws.com"
# By service: operations, paths of the roles' members, and the service that receives them.
_PASSED = {
    "lambda": (("CreateFunction UpdateFunctionConfiguration", "Role", "lambda.amazonaws.com"),),
    "ecs": (
        ("RegisterTaskDefinition", "taskRoleArn executionRoleArn", _TASKS),
        ("RunTask StartTask", "overrides.taskRoleArn overrides.executionRoleArn", _TASKS),
        (
            "CreateService UpdateService",
            "role volumeConfigurations.managedEBSVolume.roleArn",
            "ecs.amazonaws.com",
        ),
    ),
    "states": (("CreateStateMachine UpdateStateMachine TestState", "roleArn", "states.amazonaws.com"),),
    "events": (
        ("PutTargets", "Targets.RoleArn", "events.amazonaws.com"),
        ("PutRule", "RoleArn", "events.amazonaws.com"),
    ),
    "scheduler": (("*Schedule", "Target.RoleArn", "scheduler.amazonaws.com"),),
    "firehose": (("CreateDeliveryStream UpdateDestination", "*RoleARN", "firehose.amazonaws.com"),),
    "codebuild": (("CreateProject UpdateProject", "serviceRole", "codebuild.amazonaws.com"),),
    "glue": (
        ("CreateJob UpdateJob", "Role JobUpdate.Role", "glue.amazonaws.com"),
        ("CreateCrawler UpdateCrawler CreateSession CreateDevEndpoint", "Role RoleArn", "glue.amazonaws.com"),
    ),
    "batch": (
        (
            "RegisterJobDefinition",
            "containerProperties.jobRoleArn containerProperties.executionRoleArn",
            _TASKS,
        ),
        ("*ComputeEnvironment", "serviceRole", "batch.amazonaws.com"),
        ("*ComputeEnvironment", "computeResources.instanceRole", "ec2.amazonaws.com"),
    ),
    "ec2": (
        (
            "RunInstances AssociateIamInstanceProfile ReplaceIamInstanceProfileAssociation",
            "IamInstanceProfile.Arn IamInstanceProfile.Name",
            "ec2.amazonaws.com",
        ),
    ),
    "autoscaling": (("CreateLaunchConfiguration", "IamInstanceProfile", "ec2.amazonaws.com"),),
    "rds": (
        ("*DBInstance*", "MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
        ("*DBCluster*", "MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
        ("AddRoleTo*", "RoleArn", "rds.amazonaws.com"),
        ("StartExportTask", "IamRoleArn", "export.rds.amazonaws.com"),
    ),
    "logs": (("PutSubscriptionFilter PutDestination", "roleArn", "logs.amazonaws.com"),),
    "ssm": (("SendCommand", "ServiceRoleArn", "ssm.amazonaws.com"),),
    "cloudformation": (("*", "RoleARN", "cloudformation.amazonaws.com"),),
}


def passed_roles(call: Call) -> list[tuple[str, str]]:
    """Return the roles that *call* passes, as names, ARNs or instance profiles, with their receivers."""
    return [
        (role, receiver)
        for operations, paths, receiver in _PASSED.get(call.service, ())
        if any(fnmatchcase(call.operation, pattern) for pattern in operations.split())
        for path in paths.split()
        for role in (_anywhere(call.members, path[1:]) if path.startswith("*") else call.values(path))
    ]


def _anywhere(value: object, name: str) -> list[str]:
    """Return the texts of every member of that name."""
    if isinstance(value, list):
        return [text for each in value for text in _anywhere(each, name)]
    if not isinstance(value, dict):
        return []
    own = [value[name]] if isinstance(value.get(name), str) else []
    return own + [text for each in value.values() for text in _anywhere(each, name)]
