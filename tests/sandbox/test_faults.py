"""Each fault switch, and the door that turns it."""

import time
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from daypass.sandbox.control_client import ControlClient
from tests.sandbox.calls import SERVICES, Service
from tests.sandbox.world import Resources, World, make_resources, trust

THROTTLED = {
    "s3": ("SlowDown", 503),
    "dynamodb": ("ThrottlingException", 400),
    "sqs": ("RequestThrottled", 403),
    "sns": ("Throttling", 400),
    "kinesis": ("LimitExceededException", 400),
    "sts": ("Throttling", 400),
}


def told(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def own(world: World) -> Resources:
    return make_resources(world, world.name)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_throttles_in_its_own_words(world: World, own: Resources, service: Service) -> None:
    world.sandbox.control.add_fault("throttle", service.name, count=1)
    client = world.client(service.name)
    with pytest.raises(ClientError) as error:
        service.read(client, own)
    assert told(error) == THROTTLED[service.name]
    service.read(client, own)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_fails_in_its_own_words(world: World, own: Resources, service: Service) -> None:
    world.sandbox.control.add_fault("error", service.name, count=1)
    with pytest.raises(ClientError) as error:
        service.read(world.client(service.name), own)
    code, status = told(error)
    assert status == 500
    assert code in {"InternalError", "InternalServerError", "InternalFailure"}


def test_a_fault_strikes_one_action_as_often_as_told(world: World) -> None:
    arn, keys = world.user()
    role_arn = world.role(trust(arn))
    sts = world.client("sts", keys)
    world.sandbox.control.add_fault("throttle", "sts", "AssumeRole", count=2)

    sts.get_caller_identity()
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            world.assume(keys, role_arn)
        assert told(error) == THROTTLED["sts"]
    world.assume(keys, role_arn)
    assert [fault["hits"] for fault in world.sandbox.control.state()["faults"]] == [2]


def test_a_fault_without_a_count_holds_until_it_is_cleared(world: World) -> None:
    sts = world.client("sts")
    world.sandbox.control.add_fault("error", "sts")
    for _ in range(3):
        with pytest.raises(ClientError):
            sts.get_caller_identity()
    world.sandbox.control.clear_faults()
    sts.get_caller_identity()


def test_a_delayed_answer_comes_late(world: World) -> None:
    sts = world.client("sts")
    sts.get_caller_identity()
    world.sandbox.control.add_fault("delay", "sts", delay=timedelta(seconds=0.3), count=1)
    began = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - began >= 0.3


def test_a_reset_connection_breaks_without_an_answer(world: World) -> None:
    world.sandbox.control.add_fault("reset", "sts", count=1)
    with pytest.raises(ConnectionClosedError):
        world.client("sts").get_caller_identity()
    world.client("sts").get_caller_identity()


def test_garbage_is_no_answer(world: World) -> None:
    world.sandbox.control.add_fault("garbage", "sts", count=1)
    with pytest.raises((BotoCoreError, ResponseParserError)):
        world.client("sts").get_caller_identity()


def test_with_slow_iam_a_new_role_is_missing_at_first(world: World) -> None:
    arn, keys = world.user()
    world.sandbox.control.add_fault("slow_iam", delay=timedelta(seconds=10))
    role_arn = world.role(trust(arn))
    with pytest.raises(ClientError, match="AccessDenied"):
        world.assume(keys, role_arn)
    world.sandbox.control.move_clock(timedelta(seconds=11))
    world.assume(keys, role_arn)


@pytest.mark.parametrize(("kind", "status"), [("throttle", 429), ("error", 500)])
def test_the_federation_endpoint_fails_on_demand(world: World, kind: str, status: int) -> None:
    world.sandbox.control.add_fault(kind, "federation", "getSigninToken", count=1)
    address = f"{world.sandbox.endpoint_url}/federation?Action=getSigninToken"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(address)  # noqa: S310  our own sandbox
    error.value.close()
    assert error.value.code == status


# --- the control door -------------------------------------------------------------------------------


def test_the_control_door_stays_shut_without_its_token(world: World) -> None:
    for token in ("", "wrong", world.sandbox.root_secret):
        stranger = ControlClient(world.sandbox.endpoint_url, token)
        for act in (
            stranger.state,
            stranger.clear_faults,
            lambda who=stranger: who.move_clock(timedelta(hours=1)),
            lambda who=stranger: who.add_fault("error"),
        ):
            with pytest.raises(RuntimeError, match="403"):
                act()
    assert world.sandbox.control.state()["offset_seconds"] == 0


def test_a_fault_of_no_kind_is_refused_with_a_sentence(world: World) -> None:
    with pytest.raises(RuntimeError, match="throttle, delay, error, reset, garbage, slow_iam"):
        world.sandbox.control.add_fault("earthquake")


def test_the_state_counts_the_calls(world: World) -> None:
    before = world.sandbox.control.state()["calls"].get("sts:GetCallerIdentity", 0)
    world.client("sts").get_caller_identity()
    assert world.sandbox.control.state()["calls"]["sts:GetCallerIdentity"] == before + 1


def test_the_token_is_in_no_representation(world: World) -> None:
    assert world.sandbox.control_token not in repr(world.sandbox.control)
