"""The operations and members that the authorization reads from requests."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from daypass.sandbox.authorization.arns import resource_arns
from daypass.sandbox.authorization.call import Call, read_call
from daypass.sandbox.authorization.checks import checks

FORM = {"content-type": "application/x-www-form-urlencoded"}


def rest(method: str, path: str, headers: dict[str, str] | None = None, query: str = "") -> Call | None:
    """Return the call of a request to Lambda."""
    return read_call("lambda", method, path, headers or {}, parse_qs(query), b"")


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/2015-03-31/functions", "lambda:CreateFunction"),
        ("GET", "/2015-03-31/functions/f", "lambda:GetFunction"),
        ("DELETE", "/2015-03-31/functions/f", "lambda:DeleteFunction"),
        ("POST", "/2015-03-31/functions/f/invocations", "lambda:InvokeFunction"),
        ("POST", "/2021-11-15/functions/f/response-streaming-invocations", "lambda:InvokeFunction"),
        ("DELETE", "/2017-10-31/functions/f/concurrency", "lambda:DeleteFunctionConcurrency"),
        ("DELETE", "/2021-10-31/functions/f/url", "lambda:DeleteFunctionUrlConfig"),
        ("DELETE", "/2015-03-31/event-source-mappings/1", "lambda:DeleteEventSourceMapping"),
        ("DELETE", "/2018-10-31/layers/l/versions/1", "lambda:DeleteLayerVersion"),
    ],
)
def test_a_rest_operation_is_known_by_its_method_and_path(method: str, path: str, action: str) -> None:
    call = rest(method, path)
    assert call is not None
    assert call.action == action


def test_a_header_or_parameter_of_another_protocol_names_no_operation() -> None:
    """MiniStack prefers it, so that a Delete would be authorized as a Get."""
    path, header = "/2015-03-31/functions/f", {"x-amz-target": "AWSLambda.GetFunction"}
    for call in (rest("DELETE", path, header), rest("DELETE", path, query="Action=GetFunction")):
        assert call is not None
        assert call.action == "lambda:DeleteFunction"
    assert read_call("ec2", "POST", "/", {"x-amz-target": "A.B"}, {"Action": ["RunInstances"]}, b"") is None


@pytest.mark.parametrize(
    ("path", "content_type", "query"),
    [
        ("/service/X/operation/DeleteAlarms", "application/x-amz-json-1.0", {}),
        ("/", "application/cbor", {}),
        ("/", "application/x-www-form-urlencoded", {}),
        ("/", "application/x-amz-json-1.0", {"Action": ["DeleteAlarms"]}),
    ],
)
def test_a_json_request_in_another_form_is_refused(
    path: str, content_type: str, query: dict[str, list[str]]
) -> None:
    headers = {"x-amz-target": "X.ListMetrics", "content-type": content_type}
    assert read_call("monitoring", "POST", path, headers, query, b"{}") is None


@pytest.mark.parametrize("form", ["Action=A&Action=B", "Action=A&VolumeId=1&VolumeId=2", "VolumeId=1"])
def test_a_query_without_one_action_and_single_parameters_is_refused(form: str) -> None:
    assert read_call("ec2", "POST", "/", FORM, parse_qs(form), b"") is None


@pytest.mark.parametrize(
    ("service", "operation", "members", "expected"),
    [
        ("elasticfilesystem", "CreateFileSystem", {}, ("TagResource", "file-system/*")),
        ("kms", "CreateKey", {}, ("TagResource", "key/*")),
        ("ecs", "RunTask", {"cluster": "c", "taskDefinition": "t"}, ("TagResource", "task/c/*")),
        (
            "rds",
            "CreateDBSnapshot",
            {"DBInstanceIdentifier": "d", "DBSnapshotIdentifier": "s"},
            ("AddTagsToResource", "snapshot:s"),
        ),
        (
            "elasticloadbalancing",
            "CreateListener",
            {"LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/l/1"},
            ("AddTags", "listener/app/l/1/*"),
        ),
        ("lambda", "CreateFunction", {"FunctionName": "f"}, ("TagResource", "function:f")),
    ],
)
def test_creating_with_tags_takes_the_right_to_tag_the_new_resource(
    service: str, operation: str, members: dict[str, Any], expected: tuple[str, str]
) -> None:
    call = Call(service, operation, members | {"Tags": [{"Key": "a", "Value": "b"}]}, "us-east-1", "1")
    found = checks(call, lambda _, arn: arn, str)
    beginning = f"arn:aws:{service}:us-east-1:1:"
    assert (found[-1].action, found[-1].arn) == (f"{service}:{expected[0]}", beginning + expected[1])
    untagged = Call(service, operation, members, "us-east-1", "1")
    assert found[-1].action not in {check.action for check in checks(untagged, lambda _, arn: arn, str)}


def arns(service: str, operation: str, members: dict[str, Any]) -> list[str]:
    """Return the ARNs of a call, without their common beginning."""
    found = resource_arns(Call(service, operation, members, "us-east-1", "1"))
    return [arn.removeprefix(f"arn:aws:{service}:us-east-1:1:") for arn in found]


@pytest.mark.parametrize(
    ("service", "operation", "members", "expected"),
    [
        ("lambda", "GetFunction", {"FunctionName": "f:live"}, ["function:f:live"]),
        (
            "lambda",
            "GetFunction",
            {"FunctionName": "210987654321:function:f"},
            ["arn:aws:lambda:us-east-1:210987654321:function:f"],
        ),
        ("lambda", "ListFunctions", {}, ["*"]),
        ("ecs", "UpdateService", {"service": "s"}, ["service/default/s"]),
        (
            "ecs",
            "UpdateService",
            {"cluster": "arn:aws:ecs:us-east-1:1:cluster/c", "service": "s"},
            ["service/c/s"],
        ),
        ("ecs", "ExecuteCommand", {"cluster": "c", "task": "t"}, ["cluster/c", "task/c/t"]),
        ("ecs", "DescribeServices", {"cluster": "c", "services": ["a", "b"]}, ["service/c/a", "service/c/b"]),
        ("ecs", "DeregisterTaskDefinition", {"taskDefinition": "t:1"}, ["*"]),
        ("events", "PutRule", {"Name": "r"}, ["rule/r"]),
        ("events", "PutRule", {"Name": "r", "EventBusName": "b"}, ["rule/b/r"]),
        (
            "events",
            "PutEvents",
            {"Entries": [{"EventBusName": "a"}, {"EventBusName": "b"}]},
            ["event-bus/a", "event-bus/b"],
        ),
        ("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "D"}, ["db:d"]),
        ("rds", "DescribeDBInstances", {}, ["db:*"]),
        (
            "rds",
            "RestoreDBInstanceFromDBSnapshot",
            {"DBInstanceIdentifier": "d", "DBSnapshotIdentifier": "s", "DBSubnetGroupName": "g"},
            ["db:d", "snapshot:s", "subgrp:g"],
        ),
        ("scheduler", "CreateSchedule", {"Name": "s", "GroupName": "g"}, ["schedule/g/s"]),
        ("glue", "GetTable", {"DatabaseName": "d", "Name": "t"}, ["catalog", "database/d", "table/d/t"]),
        (
            "batch",
            "SubmitJob",
            {"jobName": "j", "jobQueue": "q", "jobDefinition": "d:1"},
            ["job-queue/q", "job-definition/d:1", "job/j"],
        ),
        ("ssm", "GetParameters", {"Names": ["/a/b", "c"]}, ["parameter/a/b", "parameter/c"]),
        (
            "ssm",
            "SendCommand",
            {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"]},
            ["document/AWS-RunShellScript", "arn:aws:ec2:us-east-1:1:instance/i-1"],
        ),
        # Targets by tag may be any instance.
        (
            "ssm",
            "SendCommand",
            {"DocumentName": "D", "Targets": [{"Key": "tag:a", "Values": ["b"]}]},
            ["document/D", "arn:aws:ec2:us-east-1:1:instance/*"],
        ),
        (
            "ssm",
            "StartSession",
            {"Target": "i-1"},
            ["document/SSM-SessionManagerRunShell", "arn:aws:ec2:us-east-1:1:instance/i-1"],
        ),
        (
            "elasticloadbalancing",
            "CreateLoadBalancer",
            {"Name": "l", "Type": "network"},
            ["loadbalancer/net/l/*"],
        ),
        ("codebuild", "StopBuild", {"id": "p:1"}, ["project/p"]),
        ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s"}, ["log-group:g:log-stream:s"]),
        ("ec2", "DescribeInstances", {"InstanceId": ["i-1"]}, ["*"]),
        ("ec2", "AttachVolume", {"InstanceId": "i-1", "VolumeId": "vol-2"}, ["instance/i-1", "volume/vol-2"]),
        (
            "ec2",
            "CreateSnapshot",
            {"VolumeId": "vol-2"},
            ["volume/vol-2", "arn:aws:ec2:us-east-1::snapshot/*"],
        ),
        (
            "ec2",
            "AuthorizeSecurityGroupIngress",
            {"GroupId": "sg-1", "IpPermissions": [{"Groups": [{"GroupId": "sg-2"}]}]},
            ["security-group/sg-1"],
        ),
    ],
)
def test_a_call_is_decided_on_the_documented_arns(
    service: str, operation: str, members: dict[str, Any], expected: list[str]
) -> None:
    assert arns(service, operation, json.loads(json.dumps(members))) == expected
