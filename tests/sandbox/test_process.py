"""Start and stop of the sandbox: options, messages, ready file and refusals."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from daypass.sandbox.commands import sandbox as command
from daypass.sandbox.commands import write_ready_file
from daypass.sandbox.config import (
    ROOT_KEY_VARIABLE,
    ROOT_SECRET_VARIABLE,
    KeyPair,
    SandboxConfig,
    root_key,
)
from daypass.sandbox.process import SandboxFailed, SandboxProcess
from tests.fixtures.sandbox import client


def test_the_configured_root_key_account_and_region_are_used() -> None:
    root = KeyPair("AKIADEMOROOT00000000", "a-secret-of-our-own-choosing-0000000000")
    with SandboxProcess(root=root, account_id="444455556666", region="eu-central-1") as own:
        assert (own.root_key, own.root_secret) == (root.access_key_id, root.secret_access_key)
        assert client(own, "sts").get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:root"
        queue_url = client(own, "sqs").create_queue(QueueName="jobs")["QueueUrl"]
        assert queue_url == f"{own.endpoint_url}/444455556666/jobs"
        table = client(own, "dynamodb").create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )["TableDescription"]["TableArn"]
        assert table == "arn:aws:dynamodb:eu-central-1:444455556666:table/things"


def test_a_misspelled_region_is_refused_with_the_nearest_name() -> None:
    result = CliRunner().invoke(command, ["--region", "us-est-1"])

    assert result.exit_code == 1
    assert "--region: us-est-1 is not an AWS region. Did you mean us-east-1" in result.output


def test_a_stopped_sandbox_refuses_connections() -> None:
    own = SandboxProcess()
    own.stop()
    own.stop()
    with pytest.raises(ConnectionRefusedError):
        own.control.state()


def test_a_port_in_use_is_reported_with_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(command, ["--port", str(port)])
        assert result.exit_code == 1
        assert f"Port {port} of 127.0.0.1" in result.output
        assert "--port" in result.output
        with pytest.raises(SandboxFailed, match="already in use"):
            SandboxProcess(port=port)


def test_an_invalid_account_is_refused() -> None:
    result = CliRunner().invoke(command, ["--account", "42"])
    assert result.exit_code == 1
    assert "twelve digits" in result.output


def test_a_root_key_without_its_secret_is_refused() -> None:
    result = CliRunner().invoke(command, ["--port", "0"], env={ROOT_KEY_VARIABLE: "AKIA"})
    assert result.exit_code == 1
    assert ROOT_SECRET_VARIABLE in result.output


def test_a_generated_root_key_is_new_each_time() -> None:
    first, second = root_key({}), root_key({})
    assert first.access_key_id != second.access_key_id
    assert first.secret_access_key not in repr(first)


def test_the_ready_file_is_private_to_its_owner(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text("old, and readable by everyone")
    ready.chmod(0o644)
    config = SandboxConfig(1234, "AKIA", "secret", "token")

    write_ready_file(ready, config)

    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    assert json.loads(ready.read_text())["endpoint_url"] == "http://127.0.0.1:1234"
    assert "secret" not in repr(config)


def test_ctrl_c_stops_the_sandbox_with_exit_code_0(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    own = subprocess.Popen(
        [sys.executable, "-m", "daypass.sandbox", "--port", "0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    assert own.stdout is not None
    with own.stdout as output:
        assert output.readline().startswith(b"The sandbox AWS answers at http://127.0.0.1:")
        own.send_signal(2)
        assert own.wait(60) == 0
