"""The gate passes only signed AWS requests, on one loopback port."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import client
from tests.processes import sockets_of
from tests.sandbox.browser import ask
from tests.sandbox.world import World


def signed(sandbox: SandboxProcess, method: str, path: str, service: str = "s3") -> dict[str, str]:
    """Return the headers of a request that is signed with the root key."""
    request = AWSRequest(
        method, sandbox.endpoint_url + path, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    )
    root = Credentials(sandbox.root_key, sandbox.root_secret)
    SigV4Auth(root, service, sandbox.region).add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("GET", "/_ministack/ready"),
        ("GET", "/_localstack/health"),
        ("GET", "/_aws/ses"),
        ("GET", "/_aws/sqs/messages"),
        ("GET", "/health"),
        ("PUT", "/latest/api/token"),
        ("GET", "/latest/meta-data/"),
        ("GET", "/oauth2/userInfo"),
        ("GET", "//_ministack/health"),
    ],
)
def test_endpoints_of_ministack_are_blocked_even_for_the_root(
    sandbox: SandboxProcess, method: str, path: str
) -> None:
    assert ask(sandbox, method, path).status == 404
    assert ask(sandbox, method, path, signed(sandbox, method, path)).status == 404


def test_the_reset_endpoint_does_not_delete_resources(world: World) -> None:
    world.client("s3").create_bucket(Bucket=f"{world.name}-kept")
    ask(world.sandbox, "POST", "/_ministack/reset", signed(world.sandbox, "POST", "/_ministack/reset"))
    world.client("s3").head_bucket(Bucket=f"{world.name}-kept")


@pytest.mark.parametrize(
    "service", ["eks", "transfer", "iot", "appsync", "elasticmapreduce", "cloudformation"]
)
def test_other_services_are_not_served(sandbox: SandboxProcess, service: str) -> None:
    answer = ask(sandbox, "GET", "/", signed(sandbox, "GET", "/", service))
    assert (answer.status, answer.text) == (400, f"The sandbox does not serve {service}.\n")


@pytest.mark.parametrize(
    ("service", "path", "target"),
    [
        ("lambda", "/2015-03-31/unknown", ""),
        ("lambda", "/2015-03-31/unknown", "AWSLambda.GetFunction"),
        ("ec2", "/", ""),
    ],
)
def test_an_unknown_operation_is_refused(
    sandbox: SandboxProcess, service: str, path: str, target: str
) -> None:
    """MiniStack lets everybody with keys do what it has no action for."""
    headers = signed(sandbox, "GET", path, service) | ({"X-Amz-Target": target} if target else {})
    answer = ask(sandbox, "GET", path, headers)
    assert (answer.status, "UnknownOperationException" in answer.text) == (400, True)


def test_a_cors_preflight_is_refused(sandbox: SandboxProcess) -> None:
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    assert ask(sandbox, "OPTIONS", "/", headers).status == 403


@pytest.mark.parametrize("host", ["example.com", "abc.execute-api.localhost", "bucket.s3.localhost"])
def test_other_host_names_are_refused(sandbox: SandboxProcess, host: str) -> None:
    for path in ("/", "/console/", "/federation", "/_sandbox/state"):
        assert ask(sandbox, "GET", path, {"Host": host}).status == 421


def test_a_request_with_two_signatures_is_refused(sandbox: SandboxProcess) -> None:
    path = "/?X-Amz-Credential=AKIA/20260101/us-east-1/s3/aws4_request&X-Amz-Signature=0"
    assert ask(sandbox, "GET", path, signed(sandbox, "GET", path)).status == 403


def test_a_duplicate_parameter_is_refused(sandbox: SandboxProcess) -> None:
    """The policy check and the service could otherwise read different actions."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    once, twice = "/", "/?Action=GetCallerIdentity"
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert ask(sandbox, "POST", once, form | signed(sandbox, "POST", once, "sts"), body).status == 200
    assert ask(sandbox, "POST", twice, form | signed(sandbox, "POST", twice, "sts"), body).status == 400


def test_the_sandbox_listens_on_one_loopback_port_only() -> None:
    with SandboxProcess() as own:
        client(own, "s3").list_buckets()
        client(own, "sqs").create_queue(QueueName="jobs")
        client(own, "kinesis").create_stream(StreamName="events", ShardCount=1)
        inodes = set(sockets_of(own.pid))
        listening = [
            fields[1]
            for table in ("tcp", "tcp6", "udp", "udp6")
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
            if (fields := line.split())[9] in inodes and fields[3] in ("0A", "07")
        ]
        port = urlsplit(own.endpoint_url).port
        assert listening == [f"0100007F:{port:04X}"]
