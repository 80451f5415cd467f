"""Fault injection and the control API."""

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


def code_and_status(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Return the code and HTTP status of an error."""
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def own(world: World) -> Resources:
    return make_resources(world, world.name)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_throttles_with_its_own_error(world: World, own: Resources, service: Service) -> None:
    world.sandbox.control.add_fault("throttle", service.name, count=1)
    client = world.client(service.name)
    with pytest.raises(ClientError) as error:
        service.read(client, own)
    assert code_and_status(error) == THROTTLED[service.name]
    service.read(client, own)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_each_service_fails_with_its_own_error(world: World, own: Resources, service: Service) -> None:
    world.sandbox.control.add_fault("error", service.name, count=1)
    with pytest.raises(ClientError) as error:
        service.read(world.client(service.name), own)
    code, status = code_and_status(error)
    assert status == 500
    assert code in {"InternalError", "InternalServerError", "InternalFailure"}


def test_a_fault_passes_over_the_first_calls(world: World) -> None:
    world.sandbox.control.add_fault("throttle", "iam", "ListUsers", after=2)
    iam = world.client("iam")
    iam.list_users()
    iam.list_users()
    with pytest.raises(ClientError, match="Throttling"):
        iam.list_users()


def test_a_fault_applies_to_one_action_for_a_number_of_calls(world: World) -> None:
    arn, keys = world.user()
    role_arn = world.role(trust(arn))
    sts = world.client("sts", keys)
    world.sandbox.control.add_fault("throttle", "sts", "AssumeRole", count=2)

    sts.get_caller_identity()
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            world.assume(keys, role_arn)
        assert code_and_status(error) == THROTTLED["sts"]
    world.assume(keys, role_arn)
    assert [fault["hits"] for fault in world.sandbox.control.state()["faults"]] == [2]


def test_a_fault_without_a_count_applies_until_it_is_cleared(world: World) -> None:
    sts = world.client("sts")
    world.sandbox.control.add_fault("error", "sts")
    for _ in range(3):
        with pytest.raises(ClientError):
            sts.get_caller_identity()
    world.sandbox.control.clear_faults()
    sts.get_caller_identity()


def test_a_delay_delays_the_response(world: World) -> None:
    sts = world.client("sts")
    sts.get_caller_identity()
    world.sandbox.control.add_fault("delay", "sts", delay=timedelta(seconds=0.3), count=1)
    start = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - start >= 0.3


def test_a_reset_closes_the_connection_without_a_response(world: World) -> None:
    world.sandbox.control.add_fault("reset", "sts", count=1)
    with pytest.raises(ConnectionClosedError):
        world.client("sts").get_caller_identity()
    world.client("sts").get_caller_identity()


def test_garbage_is_not_a_valid_response(world: World) -> None:
    world.sandbox.control.add_fault("garbage", "sts", count=1)
    with pytest.raises((BotoCoreError, ResponseParserError)):
        world.client("sts").get_caller_identity()


def test_with_slow_iam_a_new_role_is_invisible_at_first(world: World) -> None:
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


# --- the control API --------------------------------------------------------------------------------


def test_the_control_api_refuses_requests_without_its_token(world: World) -> None:
    for token in ("", "wrong", world.sandbox.root_secret):
        client_without_token = ControlClient(world.sandbox.endpoint_url, token)
        for call in (
            client_without_token.state,
            client_without_token.clear_faults,
            lambda client=client_without_token: client.move_clock(timedelta(hours=1)),
            lambda client=client_without_token: client.add_fault("error"),
        ):
            with pytest.raises(RuntimeError, match="403"):
                call()
    assert world.sandbox.control.state()["offset_seconds"] == 0


def test_an_unknown_kind_of_fault_is_refused_with_the_list_of_kinds(world: World) -> None:
    with pytest.raises(RuntimeError, match="throttle, delay, error, reset, garbage, slow_iam"):
        world.sandbox.control.add_fault("earthquake")


def test_the_state_has_the_number_of_calls(world: World) -> None:
    before = world.sandbox.control.state()["calls"].get("sts:GetCallerIdentity", 0)
    world.client("sts").get_caller_identity()
    assert world.sandbox.control.state()["calls"]["sts:GetCallerIdentity"] == before + 1


def test_the_control_token_is_not_in_the_repr(world: World) -> None:
    assert world.sandbox.control_token not in repr(world.sandbox.control)
