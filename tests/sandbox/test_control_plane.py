"""The sandbox is a control plane only: it authorizes and answers, and executes nothing that it is given."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.processes import children_of
from tests.sandbox.world import World, document, trust

_TRUST = document(trust("*"))
_MACHINE = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}})


def archive(code: str) -> bytes:
    """Return a deployment package of a Lambda function."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("index.py", f"def handler(event, context):\n    {code}\n")
    return file.getvalue()


def function(world: World, marker: Path) -> str:
    """Create a function that would write to *marker* if it ran, and return its ARN."""
    role = world.client("iam").create_role(RoleName=world.name, AssumeRolePolicyDocument=_TRUST)["Role"]
    arn: str = world.client("lambda").create_function(
        FunctionName=world.name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": archive(f"open({str(marker)!r}, 'w')")},
    )["FunctionArn"]
    return arn


def test_an_invocation_is_answered_and_not_executed(world: World, tmp_path: Path) -> None:
    arn = function(world, tmp_path / "ran")
    functions = world.client("lambda")
    functions.get_waiter("function_active_v2").wait(FunctionName=arn, WaiterConfig={"Delay": 0})

    answer = functions.invoke(FunctionName=arn, Payload=b"{}")
    queued = functions.invoke(FunctionName=arn, InvocationType="Event", Payload=b"{}")

    assert (answer["StatusCode"], answer["Payload"].read(), queued["StatusCode"]) == (200, b"null", 202)
    assert not (tmp_path / "ran").exists()
    assert children_of(world.sandbox.pid) == []
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName=f"{world.name}-missing", Payload=b"{}")


def test_a_function_on_a_queue_receives_no_messages(world: World, tmp_path: Path) -> None:
    sqs: Any = world.client("sqs")
    arn, url = function(world, tmp_path / "ran"), sqs.create_queue(QueueName=world.name)["QueueUrl"]
    source = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    world.client("lambda").create_event_source_mapping(FunctionName=arn, EventSourceArn=source)

    sqs.send_message(QueueUrl=url, MessageBody="note")

    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert counts["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    assert not (tmp_path / "ran").exists()


def test_a_function_that_subscribes_to_a_topic_does_not_run(world: World, tmp_path: Path) -> None:
    arn, sns = function(world, tmp_path / "ran"), world.client("sns")
    topic = sns.create_topic(Name=world.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="news")
    assert not (tmp_path / "ran").exists()
    assert children_of(world.sandbox.pid) == []


def test_state_machines_sessions_and_commands_are_answered_and_not_executed(world: World) -> None:
    role = f"arn:aws:iam::{world.sandbox.account_id}:role/{world.name}"
    world.client("iam").create_role(RoleName=world.name, AssumeRolePolicyDocument=_TRUST)
    states = world.client("stepfunctions")
    machine = states.create_state_machine(name=world.name, roleArn=role, definition=_MACHINE)
    arn = machine["stateMachineArn"]

    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    session = world.client("ssm").start_session(Target="i-0123456789abcdef0")
    query = world.client("athena").start_query_execution(QueryString="SELECT 1")

    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    assert session["StreamUrl"].startswith("wss://sandbox.invalid/")
    assert query["QueryExecutionId"]
    assert children_of(world.sandbox.pid) == []


def in_confinement(program: str) -> subprocess.CompletedProcess[str]:
    """Run *program* in a new process that is confined to port 1."""
    opening = "from daypass.sandbox.confinement import confine\nimport socket, subprocess\nconfine(1)\n"
    return subprocess.run(
        [sys.executable, "-c", opening + program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("subprocess.run(['true'])", "starts no programs"),
        ("import os\nos.system('true')", "starts no programs"),
        ("import os\nos.fork()", "starts no programs"),
        ("socket.socket().bind(('127.0.0.1', 0))", "opens no sockets"),
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 0))", "opens no sockets"),
        ("socket.create_connection(('127.0.0.1', 2))", "opens no sockets"),
    ],
)
def test_a_confined_process_starts_no_programs_and_opens_no_sockets(program: str, why: str) -> None:
    done = in_confinement(program)
    assert done.returncode == 1
    assert f"PermissionError: The sandbox {why}" in done.stderr


def test_a_confined_process_connects_to_its_own_port() -> None:
    done = in_confinement("socket.create_connection(('127.0.0.1', 1))")
    assert "ConnectionRefusedError" in done.stderr
