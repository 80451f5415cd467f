"""No secret is in a log, an error or the answer to another call, whichever part fails."""

import json
from collections.abc import Callable
from io import StringIO

import pytest

from daypass.portal.errors import AwsRefused, AwsUnavailable
from daypass.portal.http.core.authentication import PresentedCredentials
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, World

CANARIES = ("secret-canary", "token-canary", "SigninToken=ASIA")
"""The secrets that the fake AWS issues."""

Trouble = Callable[[World], None]


class Crash(Exception):
    """An unexpected exception with a secret in its message."""


def crash_in_aws(world: World) -> None:
    world.broker.assume_error = Crash(f"while holding {world.tokens[DANA]} and SigninToken=ASIAFAKE")


def crash_in_federation(world: World) -> None:
    world.broker.console_error = Crash(f"Authorization: Bearer {world.tokens[DANA]}")


def refuse(world: World) -> None:
    world.broker.assume_error = AwsRefused("AWS said no.")


def refuse_federation(world: World) -> None:
    world.broker.console_error = AwsUnavailable("The sign-in endpoint is away.")


def none(_: World) -> None:
    """Cause no failure."""


def everything(client: Client, token: str) -> list[Answer]:
    """Make every call that handles a secret."""
    return [
        client.get("/subscriptions/dev01/GetAwsConsoleTokenUrl", token),
        client.post("/api/v1/sessions", token, {"tenant": "dev01"}),
        client.post("/api/v1/sessions", token, {"tenant": "dev01", "purpose": "console"}),
        client.post("/api/v1/sessions", token, {"tenant": token, "reason": "r"}),
        client.post("/api/v1/sessions", token, {token: "tenant"}),
        client.get("/api/v1/sessions", token),
        client.get("/api/v1/me", token),
        client.get("/api/v1/me", token + "x"),
        client.get(f"/v3/features/tenant/{token}", token),
        client.get(f"/api/v1/{token}", token),
    ]


@pytest.mark.parametrize("trouble", [none, crash_in_aws, crash_in_federation, refuse, refuse_federation])
def test_no_secret_is_logged_whatever_breaks(
    quick_world: World, quick_client: Client, log: StringIO, trouble: Trouble
) -> None:
    began = len(log.getvalue())
    trouble(quick_world)

    everything(quick_client, quick_world.tokens[DANA])

    logged = log.getvalue()[began:]
    assert logged.count("\n") == len(logged.splitlines()) > 5
    assert quick_world.tokens[DANA] not in logged
    assert not [canary for canary in CANARIES if canary in logged]
    assert all(json.loads(line)["request_id"] for line in logged.splitlines())


@pytest.mark.parametrize("trouble", [crash_in_aws, crash_in_federation, refuse])
def test_no_secret_is_in_an_error_response(
    quick_world: World, quick_client: Client, trouble: Trouble
) -> None:
    trouble(quick_world)

    answers = everything(quick_client, quick_world.tokens[DANA])

    refused = [answer for answer in answers if answer.status >= 500]
    assert refused
    for answer in refused:
        text = answer.body.decode() + repr(answer.headers)
        assert quick_world.tokens[DANA] not in text
        assert not [word for word in (*CANARIES, "Traceback", "Crash", "holding") if word in text]


def test_an_internal_error_shows_the_request_id_that_is_in_the_log(
    quick_world: World, quick_client: Client, log: StringIO
) -> None:
    began = len(log.getvalue())
    crash_in_aws(quick_world)

    ours = quick_client.post("/api/v1/sessions", quick_world.tokens[DANA], {"tenant": "dev01"})
    legacy = quick_client.get("/subscriptions/dev01/GetAwsConsoleTokenUrl", quick_world.tokens[DANA])

    assert (ours.status, ours.json["code"], legacy.status) == (500, "internal", 500)
    assert "find it in the log by the request id" in legacy.json["Message"]
    lines = {line["request_id"]: line for line in map(json.loads, log.getvalue()[began:].splitlines())}
    for answer in (ours, legacy):
        line = lines[answer.header("x-request-id")]
        assert (line["level"], line["status"]) == ("error", 500)
        assert "Crash" in line["exception"]


def test_user_input_cannot_inject_log_lines(quick_world: World, quick_client: Client, log: StringIO) -> None:
    began = len(log.getvalue())
    nasty = 'dev01\r\n{"level":"error"}\x1b[31m\x00\u202e\u2028'

    quick_client.get(f"/v3/features/tenant/{nasty}", quick_world.tokens[ADMIN])
    quick_client.post("/api/v1/sessions", quick_world.tokens[ADMIN], {"tenant": nasty, "reason": nasty})

    logged = log.getvalue()[began:]
    assert logged.count("\n") == 2
    assert not [sign for sign in logged if sign != "\n" and not sign.isprintable()]


def test_the_repr_of_presented_credentials_hides_the_token() -> None:
    assert "canary" not in repr(PresentedCredentials("canary", "127.0.0.1", "id"))
