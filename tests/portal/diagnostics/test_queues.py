"""Tests of the doctor's check of dead-letter queues, with the portal's own permissions."""

import json
import shlex
import uuid
from typing import Any

import pytest

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.queues import AwsQueues
from daypass.portal.diagnostics.finding import Finding
from daypass.portal.diagnostics.queues import DeadLetters
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, client
from tests.sandbox.world import World, allow


@pytest.fixture
def world(sandbox: SandboxProcess) -> World:
    return World(sandbox)


def account_of(world: World) -> Account:
    return Account.known("aws", world.sandbox.account_id, f"{world.name}-", "master")


def tenant(world: World, name: str) -> Tenant:
    return Tenant.with_role(TenantId(uuid.uuid4().hex), name, world.sandbox.region, "", None)


def examined(world: World, keys: Keys, *names: str) -> list[Finding]:
    account = account_of(world)
    queues = AwsQueues(account, lambda _region: client(world.sandbox, "sqs", keys))
    return list(DeadLetters(queues).examine([tenant(world, name) for name in names]))


def portal_keys(world: World) -> Keys:
    statements: Any = policies.portal_policy(account_of(world))["Statement"]
    return world.user(*statements)[1]


def queue(world: World, name: str, **attributes: object) -> str:
    """Create a queue; return its ARN."""
    texts = {key: json.dumps(value) for key, value in attributes.items()}
    world.client("sqs").create_queue(QueueName=f"{world.name}-{name}", Attributes=texts)
    return f"arn:aws:sqs:{world.sandbox.region}:{world.sandbox.account_id}:{world.name}-{name}"


def rule(permission: str, *sources: str) -> dict[str, object]:
    listed = {"sourceQueueArns": list(sources)} if sources else {}
    return {"redrivePermission": permission, **listed}


def test_queues_that_accept_foreign_dead_letters_come_with_the_command_that_limits_them(
    world: World,
) -> None:
    open_arn = queue(world, "one-open")
    queue(world, "one-everybody", RedriveAllowPolicy=rule("allowAll"))
    queue(world, "one-shut", RedriveAllowPolicy=rule("denyAll"))
    source = queue(world, "one-jobs", RedrivePolicy={"deadLetterTargetArn": open_arn, "maxReceiveCount": 3})
    queue(world, "one-listed", RedriveAllowPolicy=rule("byQueue", source))
    foreign = queue(world, "two-jobs", RedriveAllowPolicy=rule("denyAll"))
    queue(world, "one-foreign", RedriveAllowPolicy=rule("byQueue", source, foreign))

    findings = examined(world, portal_keys(world), "one", "two")

    assert len(findings) == 4, findings
    by_queue = {finding.sentence.rpartition(f"{world.name}-")[2].rstrip("."): finding for finding in findings}
    assert {"one-open", "one-everybody", "one-jobs"} < by_queue.keys()
    assert any("accepts the dead letters of" in one.sentence and foreign in one.sentence for one in findings)
    words = shlex.split(by_queue["one-open"].patch)
    assert words[:3] == ["aws", "sqs", "set-queue-attributes"]
    assert json.loads(json.loads(words[-1])["RedriveAllowPolicy"]) == rule("byQueue", source)
    words = shlex.split(by_queue["one-everybody"].patch)
    assert json.loads(json.loads(words[-1])["RedriveAllowPolicy"]) == rule("denyAll")


def test_missing_queue_permissions_are_reported_once(world: World) -> None:
    _, keys = world.user(allow("sts:*"))

    (finding,) = examined(world, keys, "one", "two")

    assert "were not checked" in finding.sentence
    assert "sqs:ListQueues" in finding.patch
    assert "sqs:GetQueueAttributes" in finding.patch
