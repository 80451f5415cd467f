"""Rules special to the compute services, decided by an independent IAM evaluator.

Most concern code that would run with a role of another tenant.
"""

import json
from collections.abc import Sequence
from typing import Any

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.catalogue import services
from daypass.portal.aws.fence.documents import TENANT, fence
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, allowed

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
NAMES = {
    *("autoscaling", "batch", "cloudformation", "codebuild", "ec2", "ecr", "ecs", "eks"),
    *("elasticloadbalancing", "events", "lambda", "states"),
}
OWN_TAG: dict[str, str | list[str]] = {"aws:ResourceTag/TENANT_NAME": "dev01"}
NEW_TAG: dict[str, str | list[str]] = {"aws:RequestTag/TENANT_NAME": "dev01", "aws:TagKeys": ["TENANT_NAME"]}


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:us-west-2:{ACCOUNT_ID}:{rest}"


def request(action: str, resource: str, **context: str | Sequence[str]) -> Request:
    keys = {key: each if isinstance(each, str) else list(each) for key, each in context.items()}
    return Request(action, resource, {"aws:PrincipalTag/TENANT_NAME": "dev01", **keys})


CLUSTER = arn("ecs", "cluster/duploservices-dev01-web")
SERVICE = arn("ecs", "service/duploservices-dev01-web/api")
DEFINITION = arn("ecs", "task-definition/duploservices-dev01-api:3")
TASK = arn("ecs", "task/duploservices-dev01-web/0a1b2c3d")
RULE = arn("events", "rule/duploservices-dev01-nightly")
FUNCTION = arn("lambda", "function:duploservices-dev01-orders")
PROJECT = arn("codebuild", "project/duploservices-dev01-api")
STACK = arn("cloudformation", "stack/duploservices-dev01-web/1a2b3c4d")
GROUP = arn("autoscaling", "autoScalingGroup:1a2b:autoScalingGroupName/duploservices-dev01-web")
INSTANCE = arn("ec2", "instance/i-0a1b2c3d")
BALANCER = arn("elasticloadbalancing", "loadbalancer/app/web/50dc6c495c0c9188")
TEMPLATE = arn("ec2", "launch-template/lt-0a1b2c3d")
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/duploservices-dev01"
SNAPSHOT = "arn:aws:ec2:us-west-2::snapshot/snap-0a1b2c3d"


def foreign(resource: str) -> str:
    return resource.replace("dev01", "dev02")


OWN = [
    request("ecs:RunTask", DEFINITION, **{"ecs:cluster": CLUSTER}),
    request("ecs:UpdateService", SERVICE),
    request("ecs:UpdateService", SERVICE, **{"ecs:task-definition": DEFINITION}),
    request("ecs:ExecuteCommand", CLUSTER),
    request("ecs:ExecuteCommand", TASK),
    request("events:PutTargets", RULE, **{"events:TargetArn": [FUNCTION, CLUSTER]}),
    request("lambda:CreateEventSourceMapping", "*", **{"lambda:FunctionArn": FUNCTION}),
    request("codebuild:StartBuild", PROJECT),
    request("codebuild:UpdateProject", PROJECT),
    request("cloudformation:UpdateStack", STACK),
    request("autoscaling:UpdateAutoScalingGroup", GROUP),
    request("ec2:RunInstances", TEMPLATE, **OWN_TAG),
    request("ec2:CreateLaunchTemplate", arn("ec2", "launch-template/*"), **NEW_TAG),
    request("ec2:CreateVolume", SNAPSHOT, **OWN_TAG),
    request("iam:PassRole", f"{ROLE}-jobs", **{"iam:PassedToService": "lambda.amazonaws.com"}),
]

REFUSED = [
    # The tenant's definition on another tenant's instances, and another tenant's definition in its cluster.
    request("ecs:RunTask", DEFINITION, **{"ecs:cluster": foreign(CLUSTER)}),
    request("ecs:StartTask", DEFINITION, **{"ecs:cluster": foreign(CLUSTER)}),
    request("ecs:RunTask", DEFINITION),
    request("ecs:RunTask", foreign(DEFINITION), **{"ecs:cluster": CLUSTER}),
    request("ecs:CreateService", SERVICE, **{"ecs:task-definition": foreign(DEFINITION)}),
    request("ecs:UpdateService", SERVICE, **{"ecs:task-definition": foreign(DEFINITION)}),
    request("ecs:ExecuteCommand", foreign(CLUSTER)),
    request("ecs:ExecuteCommand", foreign(TASK)),
    # One foreign target among own ones.
    request("events:PutTargets", RULE, **{"events:TargetArn": [FUNCTION, foreign(FUNCTION)]}),
    request("events:PutTargets", RULE, **{"events:TargetArn": [arn("events", "event-bus/default")]}),
    request("events:PutTargets", RULE),
    request("lambda:CreateEventSourceMapping", "*", **{"lambda:FunctionArn": foreign(FUNCTION)}),
    request("lambda:CreateEventSourceMapping", "*"),
    request("codebuild:StartBuild", PROJECT, **{"codebuild:serviceRole": foreign(ROLE)}),
    request("codebuild:UpdateProject", PROJECT, **{"codebuild:buildBatchConfig.serviceRole": foreign(ROLE)}),
    request("codebuild:StartBuildBatch", PROJECT),
    request("codebuild:StartSandbox", PROJECT),
    request("cloudformation:UpdateStack", STACK, **{"cloudformation:RoleArn": foreign(ROLE)}),
    request("cloudformation:CreateStackSet", "*"),
    # A launch configuration, a version of a launch template or an instance may bring any role.
    request("autoscaling:UpdateAutoScalingGroup", GROUP, **{"autoscaling:LaunchConfigurationName": "theirs"}),
    request("autoscaling:CreateAutoScalingGroup", GROUP),
    request("autoscaling:AttachInstances", GROUP),
    request("ec2:CreateLaunchTemplateVersion", TEMPLATE, **OWN_TAG),
    request("ec2:RunInstances", TEMPLATE, **NEW_TAG),
    request("ec2:AssociateIamInstanceProfile", INSTANCE, **OWN_TAG),
    # The tag of a new volume says nothing about the snapshot from which it is made.
    request("ec2:CreateVolume", SNAPSHOT, **NEW_TAG),
    request("ec2:RunInstances", SNAPSHOT, **NEW_TAG),
    request("batch:CreateComputeEnvironment", arn("batch", "compute-environment/duploservices-dev01-spot")),
    request("eks:CreatePodIdentityAssociation", arn("eks", "cluster/duploservices-dev01-web"), **OWN_TAG),
    request("states:TestState", "*"),
    request("iam:PassRole", foreign(ROLE), **{"iam:PassedToService": "lambda.amazonaws.com"}),
    request("iam:PassRole", ROLE, **{"iam:PassedToService": "cloudformation.amazonaws.com"}),
]

# Their answers contain user data, keys and environment variables of all tenants, or of another one.
SECRETS = [
    request("lambda:ListFunctions", "*"),
    request("ecs:DescribeTaskDefinition", "*"),
    request("batch:DescribeJobs", "*"),
    request("autoscaling:DescribeLaunchConfigurations", "*"),
    request("ec2:DescribeLaunchTemplateVersions", "*"),
    request("ec2:DescribeVpnConnections", "*"),
    request("ec2:DescribeInstanceAttribute", INSTANCE),
]

# Of the tenant's own resources. No condition key covers the recipient.
GRANTED_OR_FORWARDED = [
    request("lambda:AddPermission", FUNCTION),
    request("lambda:CreateFunctionUrlConfig", FUNCTION),
    request("lambda:PutResourcePolicy", FUNCTION),
    request("ecr:SetRepositoryPolicy", arn("ecr", "repository/duploservices-dev01-api")),
    request("eks:CreateAccessEntry", arn("eks", "cluster/duploservices-dev01-web")),
    request("eks:AssociateIdentityProviderConfig", arn("eks", "cluster/web"), **OWN_TAG),
    request("ecs:PutClusterCapacityProviders", CLUSTER),
    request("ecs:AllowVendedLogDeliveryForResource", CLUSTER),
    request("ec2:ModifySnapshotAttribute", SNAPSHOT, **OWN_TAG),
    request("autoscaling:PutNotificationConfiguration", GROUP),
    request("elasticloadbalancing:ModifyLoadBalancerAttributes", BALANCER, **OWN_TAG),
]

# Resources that exist already; the last has the tag.
ADOPTED = [
    request("ec2:CreateTags", INSTANCE, **NEW_TAG),
    request("elasticloadbalancing:AddTags", BALANCER, **NEW_TAG),
    request("ec2:CreateTags", INSTANCE, **OWN_TAG, **NEW_TAG),
]

# The first three name the tenant as the value, the fourth has no keys and removes all tags, the last two
# replace all.
LOST_TAGS = [
    request("ec2:DeleteTags", INSTANCE, **OWN_TAG, **NEW_TAG),
    request("autoscaling:DeleteTags", GROUP, **NEW_TAG),
    request("elasticloadbalancing:RemoveTags", BALANCER, **OWN_TAG, **NEW_TAG),
    request("ec2:DeleteTags", INSTANCE, **OWN_TAG),
    request("cloudformation:UpdateStack", STACK, **{"aws:TagKeys": ["Team"], "aws:RequestTag/Team": "web"}),
    request("codebuild:UpdateProject", PROJECT, **{"aws:TagKeys": ["Team"], "aws:RequestTag/Team": "web"}),
]


def test_compute_services_are_limited_to_the_tenant_and_its_own_roles() -> None:
    offered = [service for service in services() if service.name in NAMES]
    policies: list[Any] = [policy["Statement"] for policy in fence(ACCOUNT, offered).values()]
    role = {"Version": "2012-10-17", "Statement": [each for policy in policies for each in policy]}
    # The evaluator does not replace variables in all places.
    rights = Rights(role=json.loads(json.dumps(role).replace(TENANT, "dev01")))

    assert allowed(rights, [*OWN, *REFUSED, *SECRETS, *GRANTED_OR_FORWARDED, *ADOPTED, *LOST_TAGS]) == {
        str(each) for each in OWN
    }
