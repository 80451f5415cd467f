"""Requests of sessions with each permission set, on the tenant's own resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from tests.matrix.clients import DENIED, OK, Clients, result_of
from tests.matrix.kinds import KINDS, Kind
from tests.matrix.kinds.compute import package
from tests.matrix.kinds.model import Client
from tests.matrix.resources import create_own

READERS = frozenset({"read-only", "operator", "data-reader"})
NONE: frozenset[str] = frozenset()
OPERATOR, CONTENTS, PROPERTIES = {"operator"}, {"read-only", "data-reader"}, {"read-only", "operator"}

_KINDS: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Request:
    """A request on a resource, and the permission sets that allow it; `full` allows all of them."""

    kind: str
    name: str
    call: Callable[[Client, str], object]
    allowed: frozenset[str] | set[str]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


REQUESTS = (
    Request("Lambda function", "invoke", lambda c, it: c.invoke(FunctionName=it, Payload=b"{}"), NONE),
    Request(
        "Lambda function",
        "read its configuration",
        lambda c, it: c.get_function_configuration(FunctionName=it),
        PROPERTIES,
    ),
    Request(
        "Lambda function",
        "replace its code",
        lambda c, it: c.update_function_code(FunctionName=it, ZipFile=package()),
        NONE,
    ),
    Request(
        "Lambda function",
        "limit its concurrency",
        lambda c, it: c.put_function_concurrency(FunctionName=it, ReservedConcurrentExecutions=1),
        OPERATOR,
    ),
    Request(
        "ECS service",
        "restart",
        lambda c, it: c.update_service(cluster=it.split("/")[1], service="web", forceNewDeployment=True),
        OPERATOR,
    ),
    Request(
        "ECS service",
        "run a task",
        lambda c, it: c.run_task(cluster=it.split("/")[1], taskDefinition=f"{it.split('/')[1]}:1"),
        NONE,
    ),
    Request(
        "ECS service",
        "describe",
        lambda c, it: c.describe_services(cluster=it.split("/")[1], services=["web"]),
        PROPERTIES,
    ),
    Request("state machine", "start an execution", lambda c, it: c.start_execution(stateMachineArn=it), NONE),
    Request("state machine", "describe", lambda c, it: c.describe_state_machine(stateMachineArn=it), READERS),
    Request("CodeBuild project", "start a build", lambda c, it: c.start_build(projectName=it), NONE),
    Request("Glue job", "start a run", lambda c, it: c.start_job_run(JobName=it.rpartition("/")[2]), NONE),
    Request("EC2 instance", "restart", lambda c, it: c.reboot_instances(InstanceIds=[it]), OPERATOR),
    Request("EC2 instance", "terminate", lambda c, it: c.terminate_instances(InstanceIds=[it]), NONE),
    Request("EC2 instance", "list", lambda c, _: c.describe_instances(), READERS),
    Request(
        "RDS instance",
        "restart",
        lambda c, it: c.reboot_db_instance(DBInstanceIdentifier=it.rpartition(":")[2]),
        OPERATOR,
    ),
    Request(
        "RDS instance",
        "delete",
        lambda c, it: c.delete_db_instance(
            DBInstanceIdentifier=it.rpartition(":")[2], SkipFinalSnapshot=True
        ),
        NONE,
    ),
    Request("S3 bucket", "write an object", lambda c, it: c.put_object(Bucket=it, Key="k", Body=b""), NONE),
    Request("S3 bucket", "list its objects", lambda c, it: c.list_objects_v2(Bucket=it), READERS),
    Request("S3 bucket", "delete", lambda c, it: c.delete_bucket(Bucket=it), NONE),
    Request("DynamoDB table", "read items", lambda c, it: c.scan(TableName=it.rpartition("/")[2]), CONTENTS),
    Request("DynamoDB table", "delete", lambda c, it: c.delete_table(TableName=it.rpartition("/")[2]), NONE),
    Request("SQS queue", "receive messages", lambda c, it: c.receive_message(QueueUrl=it), NONE),
    Request(
        "log group",
        "read events",
        lambda c, it: c.filter_log_events(logGroupName=it.rpartition(":")[2]),
        CONTENTS,
    ),
    Request("secret", "read its value", lambda c, it: c.get_secret_value(SecretId=it), NONE),
    Request("secret", "describe", lambda c, it: c.describe_secret(SecretId=it), PROPERTIES),
    Request("SSM parameter", "read its value", lambda c, it: c.get_parameter(Name=it), NONE),
    Request(
        "EventBridge rule", "disable", lambda c, it: c.disable_rule(Name=it.rpartition("/")[2]), OPERATOR
    ),
    Request("EventBridge rule", "delete", lambda c, it: c.delete_rule(Name=it.rpartition("/")[2]), NONE),
    Request("KMS key", "encrypt", lambda c, it: c.encrypt(KeyId=it, Plaintext=b"note"), NONE),
    Request("KMS key", "describe", lambda c, it: c.describe_key(KeyId=it), READERS),
)


@pytest.fixture(scope="session")
def own(clients: Clients) -> Callable[[str], str]:
    """Return a resource of dev01 of a kind, which is created at first use."""

    @cache
    def find_or_create(kind: str) -> str:
        return create_own(clients, _KINDS[kind])

    return find_or_create


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_each_permission_set_allows_its_own_requests_only(
    clients: Clients, own: Callable[[str], str], request_: Request
) -> None:
    resource, service = own(request_.kind), _KINDS[request_.kind].service

    found = {
        permission_set
        for permission_set in READERS
        if _is_allowed(result_of(request_.call, clients.of(service, permission_set), resource))
    }

    assert found == request_.allowed


def _is_allowed(result: str) -> bool:
    assert result in {OK, DENIED}
    return result == OK
