"""The catalogue compared with AWS's service authorization reference.

An action that does not exist, an ARN of no resource type and a condition key that AWS does not send make a
rule void: an Allow gives nothing, and a Deny prevents nothing.
"""

import re
from collections.abc import Iterator, Sequence

import pytest

from daypass.portal.aws.fence.catalogue import services
from daypass.portal.aws.fence.model import AllowRule, Condition, DenyRule, Service
from tests.evaluator.authorization_data import ActionData, matching, resource_types

SERVICES = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
# Resources of any type.
ANY_TYPE = {"arn:{partition}:ec2:*:{account}:*/*"}
# AWS sends these with every request, or with every request that has the resource.
_GLOBAL_KEYS = {"aws:resourceaccount", "aws:principaltag", "aws:viaawsservice", "aws:calledvia"}


def patterns(service: Service) -> Iterator[str]:
    for allow in service.allow:
        yield from allow.actions
    for deny in service.deny:
        yield from deny.actions
    levels = service.levels
    for actions in (levels.read, levels.data, levels.secrets, levels.operate):
        yield from actions
    for limit in levels.operate_limits:
        yield from limit.actions
    for kind in service.resources:
        yield from kind.page_actions
    yield from (example.action for example in service.examples)


def keys(condition: Condition) -> set[str]:
    found = {key.lower() for values in condition.values() for key in values}
    return {re.sub("^(aws:(?:request|resource|principal)tag)/.*", r"\1", key) for key in found} - _GLOBAL_KEYS


@SERVICES
def test_every_pattern_matches_an_action(service: Service) -> None:
    assert [pattern for pattern in patterns(service) if not matching(pattern)] == []


@SERVICES
def test_rules_by_tag_name_actions_that_know_the_tag_of_the_resource(service: Service) -> None:
    rules = [rule for rule in service.allow if rule.by == "tag"]

    assert [
        pattern for rule in rules for pattern in rule.actions if not _knows(pattern, "aws:resourcetag")
    ] == []


@SERVICES
def test_rules_on_creation_name_actions_that_know_the_tag_of_the_request(service: Service) -> None:
    rules = [rule for rule in service.allow if rule.by == "create"]

    unknown = [
        action.name
        for rule in rules
        for pattern in rule.actions
        for action in matching(pattern)
        if "aws:requesttag" not in action.keys
    ]
    assert unknown == []


@SERVICES
def test_arn_patterns_are_those_of_a_resource_type(service: Service) -> None:
    formats = [arn for prefix in service.prefixes for arn, _ in resource_types(prefix).values()]
    rules: list[AllowRule | DenyRule] = [*service.allow, *service.deny]
    named = {pattern for rule in rules for pattern in rule.resources} - {"*"}

    unknown = {pattern for pattern in named if not any(_fits(pattern, arn) for arn in formats)}
    assert unknown - ANY_TYPE == set()


@SERVICES
def test_conditions_use_keys_that_aws_sends_with_the_actions(service: Service) -> None:
    rules: list[AllowRule | DenyRule] = [*service.allow, *service.deny]
    unsent = [
        (action.name, key)
        for rule in rules
        for pattern in rule.actions
        for action in matching(pattern)
        for key in keys(rule.condition) - action.keys
        # A pattern may match more actions than it is written for. A Deny must reach all, unless it says
        # that it is about requests which have the key.
        if "*" not in pattern or (isinstance(rule, DenyRule) and key not in _present(rule.condition))
    ]
    assert unsent == []


@SERVICES
def test_limits_of_operate_use_keys_that_aws_sends_with_the_actions(service: Service) -> None:
    unsent = [
        (action.name, key)
        for limit in service.levels.operate_limits
        for pattern in limit.actions
        for action in matching(pattern)
        for key in keys(limit.condition) - action.keys
    ]
    assert unsent == []


# Actions of the access level "Permissions management" that the fence allows, with the reason.
PERMISSIONS = {
    "apigateway:SetWebACL": "The stage is the tenant's; AWS asks for rights on the web ACL too.",
    "cloudformation:SetStackPolicy": "The policy protects the stack's resources; it grants nothing.",
    "glue:DescribeEntity": "It reads through the tenant's own connection.",
    "glue:ListEntities": "It reads through the tenant's own connection.",
    "glue:RefreshOAuth2Tokens": "The tokens stay in the tenant's own connection.",
    "glue:TestConnection": "It tests the tenant's own connection.",
    "kms:CreateGrant": "Only for AWS services, by a condition of the rule.",
    "rds-db:connect": "The database user is named after the tenant.",
    "redshift:CreateClusterUser": "The database user is in the tenant's own cluster.",
    "redshift:ModifyClusterIamRoles": "AWS asks for iam:PassRole on each role.",
    "redshift:RevokeEndpointAccess": "It takes away access to the tenant's own cluster.",
    "redshift:RevokeSnapshotAccess": "It takes away access to the tenant's own snapshot.",
    "s3:ObjectOwnerOverrideToBucketOwner": "The object's owner becomes that of the tenant's bucket.",
    "s3:PutObjectAcl": "Denied unless the ACL opens the object to nobody else.",
    "s3:PutObjectVersionAcl": "Denied unless the ACL opens the object to nobody else.",
    "secretsmanager:ValidateResourcePolicy": "It checks the text of a policy and changes nothing.",
}


@SERVICES
def test_no_permissions_management_is_allowed_without_a_review(service: Service) -> None:
    allowed = {
        action.name
        for rule in service.allow
        for pattern in rule.actions
        for action in matching(pattern)
        if "Permissions management" in action.access_level and _reaches(rule, action)
    }
    denied = {
        action.name
        for rule in service.deny
        for pattern in rule.actions
        for action in matching(pattern)
        if not rule.condition
    }

    assert sorted(allowed - denied - PERMISSIONS.keys()) == []


@SERVICES
def test_reading_levels_name_no_action_that_writes(service: Service) -> None:
    levels = service.levels
    withheld = {action.name for pattern in levels.secrets for action in matching(pattern)}
    lists = [pattern for rule in service.allow if rule.by == "list" for pattern in rule.actions]

    writing = {
        action.name
        for pattern in (*levels.read, *levels.data, *lists)
        for action in matching(pattern)
        if not {"Read", "List"}.issuperset(action.access_level.split(", "))
    }
    assert sorted(writing - withheld - READS_CALLED_WRITES.keys()) == []


# These run code, which has the rights of its own role, or open a shell.
RUNS_CODE = {
    "athena:StartQueryExecution",
    "batch:SubmitJob",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateStack",
    "codebuild:RetryBuild",
    "codebuild:StartBuild",
    "codebuild:StartBuildBatch",
    "codepipeline:StartPipelineExecution",
    "ec2-instance-connect:SendSSHPublicKey",
    "ec2:ModifyInstanceAttribute",
    "ec2:RunInstances",
    "ecs:ExecuteCommand",
    "ecs:RunTask",
    "ecs:StartTask",
    "events:PutEvents",
    "glue:StartJobRun",
    "glue:StartTrigger",
    "glue:StartWorkflowRun",
    "lambda:InvokeAsync",
    "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "scheduler:CreateSchedule",
    "ssm:ResumeSession",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "ssm:StartSession",
    "states:RedriveExecution",
    "states:StartExecution",
    "states:StartSyncExecution",
}


# Actions that are named like a creation or a deletion, with the reason why they are none.
OPERATIONS = {
    "batch:TerminateJob": "It stops a job that runs.",
    "application-autoscaling:RegisterScalableTarget": "It changes the bounds of a target.",
    "elasticloadbalancing:RegisterTargets": "It directs traffic to targets that exist.",
}


@SERVICES
def test_operate_creates_deletes_grants_and_runs_nothing(service: Service) -> None:
    operating = [action for pattern in service.levels.operate for action in matching(pattern)]

    assert [action.name for action in operating if action.name in RUNS_CODE] == []
    changing = {
        action.name
        for action in operating
        if not {"Read", "List", "Write"}.issuperset(action.access_level.split(", "))
        or action.name.partition(":")[2].startswith(("Create", "Delete", "Remove", "Terminate", "Register"))
    }
    assert sorted(changing - OPERATIONS.keys()) == []


# Actions that AWS calls writes and that change nothing, with the reason.
READS_CALLED_WRITES = {"kms:Decrypt": "It is needed to read what is encrypted, and changes nothing."}


def _reaches(rule: AllowRule, action: ActionData) -> bool:
    """Return whether the rule can allow the action: its ARNs are of a type that the action has."""
    if rule.resources == ("*",):
        return rule.by != "tag" or "aws:resourcetag" in action.keys
    types = resource_types(action.name.partition(":")[0])
    arns = [types[each][0] for each in action.resource_types if each in types]
    return any(
        _fits(pattern, arn) and (pattern.split(":")[4] == "") == (arn.split(":")[4] == "")
        for pattern in rule.resources
        for arn in arns
    )


def _actions(rules: Sequence[AllowRule] | Sequence[DenyRule]) -> list[ActionData]:
    return [action for rule in rules for pattern in rule.actions for action in matching(pattern)]


def _present(condition: Condition) -> set[str]:
    """Return the keys that a request must have for the condition to hold."""
    return {key.lower() for key, value in condition.get("Null", {}).items() if value == "false"}


def _knows(pattern: str, key: str) -> bool:
    found: list[ActionData] = matching(pattern)
    return any(key in action.keys for action in found)


def _fits(pattern: str, arn: str) -> bool:
    """Return whether the ARNs of a resource type, such as `queue/${Name}`, can match *pattern*."""
    ours, theirs = pattern.split(":", 5), arn.split(":", 5)
    if len(theirs) < len(ours) or ours[2] != theirs[2]:
        return False
    # A type begins with its own text, or like `${Scope}/webacl/` with one of a few values.
    start, *rest = re.split(r"\$\{\w+\}", theirs[5])
    fixed = re.split(r"[{*]", ours[5])[0]
    return fixed.startswith(start) or start.startswith(fixed) if start else rest[0] in ours[5]
