"""Programs without support for Daypass take their keys from a profile or from the endpoint."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from daypass.cli.auth import session
from daypass.cli.cache import request
from daypass.cli.cache.credentials import Credentials
from daypass.cli.credentials import fetch
from daypass.cli.credentials.container_endpoint import ContainerEndpoint
from daypass.main import now
from tests.fixtures.demo import bare_environment
from tests.journeys.terminal import Terminal, json_output

DANA = "dana@example.com"
ROLE = f":assumed-role/duploservices-dev01/{DANA}"

DEBIANS_AWS = "/usr/bin/aws"

JAVASCRIPT_SDK = "@aws-sdk/client-sts@3.1174.0"

PYTHON = """
import boto3, sys
sts = boto3.Session().client("sts")
for _ in sys.stdin:
    answer = sts.get_caller_identity()
    keys = sts._request_signer._credentials.get_frozen_credentials()
    print(keys.access_key, answer["Arn"], flush=True)
"""

# What the SDK takes for the time is ten minutes on after the first question, so that keys of a quarter of an
# hour come near their end: it renews them behind the questions that follow.
JAVASCRIPT = """
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import readline from "node:readline";
const sts = new STSClient({});
const real = Date.now;
for await (const _ of readline.createInterface({ input: process.stdin })) {
  const answer = await sts.send(new GetCallerIdentityCommand({}));
  const keys = await sts.config.credentials();
  console.log(keys.accessKeyId, answer.Arn);
  Date.now = () => real() + 600_000;
}
"""


@pytest.fixture(scope="session")
def javascript() -> Path:
    """A program with the AWS SDK for JavaScript, which is fetched once and kept between runs."""
    folder = Path(tempfile.gettempdir()) / f"daypass-tests-{JAVASCRIPT_SDK.rpartition('/')[2]}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            words = ["npm", "install", "--no-audit", "--no-fund", "--silent", JAVASCRIPT_SDK]
            subprocess.run(words, cwd=folder, check=True, timeout=300)
            (folder / "complete").touch()
        program = folder / "who.mjs"
        if not program.exists() or program.read_text() != JAVASCRIPT:
            program.write_text(JAVASCRIPT)
    return program


@dataclass(frozen=True)
class Program:
    """A program that, for each line it reads, asks AWS who it is."""

    words: tuple[str, ...]

    @contextmanager
    def running(self, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen(
            self.words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
                process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 0


def session_of(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """The access key and the ARN that the program is by now."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    key, _, arn = process.stdout.readline().strip().partition(" ")
    return key, arn


def renewed(process: "subprocess.Popen[str]", first: str) -> str:
    """The ARN that the program is by another key than the *first*; an SDK may fetch that behind its calls."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        key, arn = session_of(process)
        if key != first:
            return arn
    raise AssertionError("the keys were never renewed")


@pytest.fixture(params=["boto3", "the SDK for JavaScript"])
def program(request: pytest.FixtureRequest) -> Program:
    """Each of the SDKs."""
    if request.param == "boto3":
        return Program((sys.executable, "-c", PYTHON))
    return Program(("node", str(request.getfixturevalue("javascript"))))


def environment(terminal: Terminal, **more: str) -> dict[str, str]:
    region = terminal.demo.ready["region"]
    bare = bare_environment(terminal.home, AWS_ENDPOINT_URL=terminal.demo.aws_endpoint_url, AWS_REGION=region)
    bare["PATH"] = f"{bare['PATH']}{os.pathsep}{os.environ['PATH']}"
    return bare | {"AWS_DEFAULT_REGION": region, "NODE_NO_WARNINGS": "1"} | more


def configure(terminal: Terminal, *more: str) -> None:
    """The profile dev01 of Dana's, written by `daypass configure`."""
    token = terminal.demo.token(DANA)
    words = ["--host", terminal.demo.portal_url, "--ca-file", terminal.demo.ca_file, "--token", token]
    done = terminal.run("daypass", "configure", "--tenant", "dev01", *words, *more)
    assert done.returncode == 0, done.stderr


def test_a_program_finds_its_keys_in_a_profile_that_configure_wrote(
    terminal: Terminal, program: Program
) -> None:
    configure(terminal)

    with program.running(environment(terminal, AWS_PROFILE="dev01")) as process:
        key, arn = session_of(process)

    assert key.startswith("ASIA")
    assert arn.endswith(ROLE)


def test_keys_of_a_profile_are_renewed_while_a_program_runs(terminal: Terminal, program: Program) -> None:
    # Keys of a quarter of an hour are asked for again before they end, and without the cache they are new.
    configure(terminal, "--duration", "15m")
    config = terminal.home / ".aws" / "config"
    config.write_text(config.read_text().replace("--duration 15m", "--duration 15m --no-cache"))

    with program.running(environment(terminal, AWS_PROFILE="dev01")) as process:
        first, _ = session_of(process)
        arn = renewed(process, first)

    assert arn.endswith(ROLE)


@pytest.mark.parametrize("aws", ["PyPI's", "Debian's"])
def test_both_versions_of_the_aws_cli_use_the_profile_and_the_endpoint(terminal: Terminal, aws: str) -> None:
    configure(terminal)
    command = DEBIANS_AWS if aws == "Debian's" else "aws"
    # Debian's takes no endpoint from the environment.
    words = (command, "--endpoint-url", terminal.demo.aws_endpoint_url, "sts", "get-caller-identity")
    access = ("--host", terminal.demo.portal_url, "--ca-file", terminal.demo.ca_file, "--tenant", "dev01")

    by_profile = json_output(terminal.run(*words, "--profile", "dev01"))
    by_keys = json_output(
        terminal.run("daypass", "exec", *access, "--", *words, DAYPASS_TOKEN=terminal.demo.token(DANA))
    )
    by_endpoint = json_output(
        terminal.run(
            *("daypass", "exec", "--serve", *access, "--", *words), DAYPASS_TOKEN=terminal.demo.token(DANA)
        )
    )

    assert {answer["Arn"].rpartition("sts::")[2][12:] for answer in (by_profile, by_keys, by_endpoint)} == {
        ROLE
    }


def test_keys_of_the_endpoint_are_renewed_while_a_program_runs(terminal: Terminal, program: Program) -> None:
    flags = {
        "host": terminal.demo.portal_url,
        "ca_file": terminal.demo.ca_file,
        "token": terminal.demo.token(DANA),
        "tenant": "dev01",
        "duration": "15m",
    }
    moved = [0.0]

    def renew() -> Credentials:
        return fetch.new_credentials(request.parse_request(flags, {}), session.portal(flags, {}, now), now)

    endpoint = ContainerEndpoint(renew, lambda: now() + moved[0], str)
    ours, theirs = socket.socketpair()
    serving = Thread(target=endpoint.loopback.serve, kwargs={"until": (ours.fileno(),)})
    serving.start()
    with ours, theirs:
        try:
            # The program ends first: it may be asking for keys once more behind its last answer.
            with program.running(environment(terminal, **endpoint.variables)) as process:
                first, _ = session_of(process)
                moved[0] = 14 * 60
                arn = renewed(process, first)
        finally:
            theirs.send(b"x")
            serving.join()

    endpoint.loopback.close()
    assert arn.endswith(ROLE)


def test_keys_from_every_source_are_refused_outside_the_tenant(terminal: Terminal) -> None:
    configure(terminal)
    foreign = terminal.demo.tenants["data01"]["buckets"][0]

    refused = terminal.aws("dev01", "s3", "ls", f"s3://{foreign}")

    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr
    assert json.dumps(terminal.demo.token(DANA)) not in (terminal.home / ".aws" / "config").read_text()
