"""Creation of a trial's roles and resources, and removal of everything that a trial may have left."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws import policies
from daypass.portal.aws.fence.documents import POLICIES, policy_name
from daypass.portal.aws.fence.live.trial import OTHER_TENANT, TENANT, Client, Identity, Names, Trial
from daypass.portal.aws.policies import TENANT_TAG
from daypass.portal.aws.tenant_role import make_tenant_role
from daypass.portal.aws.trust.policy import trust_policy

CREATED = (
    "three IAM roles, three SQS queues, an S3 bucket, a Lambda function, an ECS task definition, a target "
    "group, two security groups, two EFS file systems, an ACM certificate, an SSM parameter"
)
"""The resources that a trial may create, for the operator. AWS charges nothing for them while unused."""

_MISSING = re.compile("NotFound|NoSuch|NonExistent|DoesNotExist|ResourceNotFound", re.IGNORECASE)


def prepare(trial: Trial) -> None:
    """Create the roles and queues; raises botocore's errors."""
    names, account, iam = trial.names, trial.names.account, trial.operator.client("iam")
    # The account, so that any identity works that may call AssumeRole, also a session of IAM Identity Center.
    principal = f"arn:{account.partition}:iam::{account.id}:root"
    make_tenant_role(iam, account, names.tenant, trial.external_id, principal, Generation.SHARED)
    iam.create_role(
        RoleName=names.untagged_role,
        AssumeRolePolicyDocument=policies.to_json(trust_policy(principal, trial.external_id, names.tenant)),
        PermissionsBoundary=account.boundary_of(Generation.SHARED),
    )
    for policy in POLICIES:
        iam.attach_role_policy(
            RoleName=names.untagged_role, PolicyArn=account.policy_arn(policy_name(policy))
        )
    service: policies.Statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(
        RoleName=names.passed_role,
        AssumeRolePolicyDocument=policies.to_json(policies.document(service)),
        Tags=trial.tags(),
    )
    sqs = trial.operator.client("sqs")
    sqs.create_queue(QueueName=names.own_queue, tags=trial.tag)
    sqs.create_queue(QueueName=names.foreign_queue, tags={TENANT_TAG: OTHER_TENANT})
    sqs.create_queue(QueueName=names.similar_queue)


def find_earlier(operator: Identity, account: Account) -> Iterator[Names]:
    """Yield the names of earlier trials that were not cleaned up."""
    own = re.compile(re.escape(f"{account.role_prefix}{TENANT}") + "[0-9a-f]{6}")
    found: set[str] = set()
    for page in operator.client("iam").get_paginator("list_roles").paginate():
        found |= {match[0] for role in page["Roles"] if (match := own.match(role["RoleName"]))}
    for name in sorted(found):
        yield Names(account, name.removeprefix(account.role_prefix))


def remove(operator: Identity, names: Names) -> list[str]:
    """Remove everything of a trial, the roles last, and return what could not be removed; idempotent."""
    left = []
    for service, delete in _REMOVALS.items():
        try:
            delete(operator.client(service), names)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if not _MISSING.search(code):
                left.append(f"{service}: {names.prefix}-* ({code})")
    # The tenant's own role is the last: by its name a later run finds what this one left.
    if not left:
        _delete_role(operator.client("iam"), names.prefix)
    return left


def _functions(functions: Client, names: Names) -> None:
    functions.delete_function(FunctionName=f"{names.prefix}-f")


def _buckets(s3: Client, names: Names) -> None:
    s3.delete_bucket(Bucket=f"{names.prefix}-bucket")


def _queues(sqs: Client, names: Names) -> None:
    for name in (names.own_queue, names.foreign_queue, names.similar_queue):
        with suppress(sqs.exceptions.QueueDoesNotExist):
            sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _task_definitions(ecs: Client, names: Names) -> None:
    found = ecs.list_task_definitions(familyPrefix=f"{names.prefix}-t")["taskDefinitionArns"]
    for arn in found:
        ecs.deregister_task_definition(taskDefinition=arn)
    if found:
        ecs.delete_task_definitions(taskDefinitions=found)


def _target_groups(elb: Client, names: Names) -> None:
    for group in elb.describe_target_groups(Names=[f"{names.prefix}-t"])["TargetGroups"]:
        elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


def _security_groups(ec2: Client, names: Names) -> None:
    wanted = [f"{names.prefix}-{suffix}" for suffix in ("tagged", "untagged")]
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": wanted}])
    for group in found["SecurityGroups"]:
        ec2.delete_security_group(GroupId=group["GroupId"])


def _file_systems(efs: Client, names: Names) -> None:
    for suffix in ("tagged", "untagged"):
        found = efs.describe_file_systems(CreationToken=f"{names.prefix}-{suffix}")["FileSystems"]
        for file_system in found:
            if file_system["CreationToken"] == f"{names.prefix}-{suffix}":
                efs.delete_file_system(FileSystemId=file_system["FileSystemId"])


def _certificates(acm: Client, names: Names) -> None:
    for page in acm.get_paginator("list_certificates").paginate():
        for each in page["CertificateSummaryList"]:
            if each["DomainName"] == domain(names):
                acm.delete_certificate(CertificateArn=each["CertificateArn"])


def domain(names: Names) -> str:
    """Return the domain of the certificate, which cannot be validated."""
    return f"{names.tenant}.example.com"


def _apis(apigateway: Client, names: Names) -> None:
    for page in apigateway.get_paginator("get_rest_apis").paginate():
        for api in page.get("items", []):
            if api["name"] == f"{names.prefix}-api":
                apigateway.delete_rest_api(restApiId=api["id"])


def _parameters(ssm: Client, names: Names) -> None:
    ssm.delete_parameter(Name=f"{names.prefix}-p")


def _other_roles(iam: Client, names: Names) -> None:
    for role in (names.untagged_role, names.passed_role):
        _delete_role(iam, role)


def _delete_role(iam: Client, role: str) -> None:
    with suppress(iam.exceptions.NoSuchEntityException):
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
        iam.delete_role(RoleName=role)


_Removal = Callable[[Any, Names], None]
_REMOVALS: Mapping[str, _Removal] = {
    "lambda": _functions,
    "s3": _buckets,
    "sqs": _queues,
    "ecs": _task_definitions,
    "elbv2": _target_groups,
    "ec2": _security_groups,
    "efs": _file_systems,
    "acm": _certificates,
    "apigateway": _apis,
    "ssm": _parameters,
    "iam": _other_roles,
}


def security_group(trial: Trial, suffix: str, *, is_tagged: bool) -> str:
    """Return the id of a security group of the default network, which is created at first use."""
    ec2, name = trial.as_operator("ec2"), f"{trial.names.prefix}-{suffix}"
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if found:
        return str(found[0]["GroupId"])
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    tags = [{"ResourceType": "security-group", "Tags": trial.tags()}] if is_tagged else []
    created = ec2.create_security_group(
        GroupName=name, Description="daypass live check", VpcId=vpcs[0]["VpcId"], TagSpecifications=tags
    )
    return str(created["GroupId"])


def queue_policy(trial: Trial, queue: str, principal_arn: str) -> None:
    """Let a session send messages to a queue by the queue's own policy."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal_arn},
        "Action": "sqs:SendMessage",
        "Resource": trial.names.arn("sqs", queue),
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    trial.as_operator("sqs").set_queue_attributes(
        QueueUrl=trial.queue_url(queue), Attributes={"Policy": document}
    )
