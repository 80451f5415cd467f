"""Tests of console sign-in URLs: destinations, and requests to the federation endpoint."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.console import Destinations
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.errors import AwsError, AwsRefused, AwsThrottled, AwsUnavailable, InvalidRequest
from daypass.portal.secret import Secret
from tests.portal.aws.stub import Script, StubAws, answer, reset

KEYS = Credentials(
    access_key_id="ASIAEXAMPLEEXAMPLE12",
    secret_access_key=Secret("SECRET-KEY-CANARY"),
    session_token=Secret("SESSION-TOKEN-CANARY"),
    expires_at=datetime(2026, 11, 24, 13, 0, tzinfo=UTC),
)
SOON = Deadline(1008.0)
TABLE = "https://us-west-2.console.aws.amazon.com/dynamodbv2/home?region=us-west-2#table?name=orders"
OK = answer(200, b'{"SigninToken": "TOKEN+/="}', "application/json")


def test_the_keys_are_posted_without_a_session_duration(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(OK)

    broker.console_url(KEYS, TABLE, SOON)

    assert stub.requests[0].keys() == {"Action", "Session"}
    assert stub.requests[0]["Action"] == "getSigninToken"
    assert json.loads(stub.requests[0]["Session"]) == {
        "sessionId": "ASIAEXAMPLEEXAMPLE12",
        "sessionKey": "SECRET-KEY-CANARY",
        "sessionToken": "SESSION-TOKEN-CANARY",
    }


def test_the_sign_in_url_has_the_destination_with_its_fragment(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(OK)

    link = urlsplit(broker.console_url(KEYS, TABLE, SOON).reveal())

    assert link.path == "/federation"
    assert link.fragment == ""
    assert parse_qs(link.query) == {
        "Action": ["login"],
        "Issuer": ["https://portal.example.com"],
        "Destination": [TABLE],
        "SigninToken": ["TOKEN+/="],
    }


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(400, b"Bad Request"), AwsRefused),
        (answer(429, b"Slow down"), AwsThrottled),
        (answer(500, b"Oh no"), AwsUnavailable),
        (reset, AwsUnavailable),
        (answer(200, b"It works!"), AwsRefused),
        (answer(200, b"[]"), AwsRefused),
        (answer(200, b"[" * 50_000), AwsRefused),
        (answer(200, b'{"SigninToken": ""}'), AwsRefused),
        (answer(200, b'{"SigninToken": 7}'), AwsRefused),
    ],
)
def test_each_response_of_the_federation_endpoint_maps_to_its_error(
    broker: AwsBroker, stub: StubAws, script: Script, kind: type[AwsError]
) -> None:
    stub.play(script)

    with pytest.raises(AwsError) as refused:
        broker.console_url(KEYS, TABLE, SOON)

    assert type(refused.value) is kind
    assert "CANARY" not in repr(refused.value)


@pytest.mark.parametrize(
    ("partition", "typed", "resolved"),
    [
        ("aws", None, "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"),
        ("aws", "", "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"),
        (
            "aws",
            "/s3/buckets/x?tab=objects",
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/x?tab=objects",
        ),
        ("aws", TABLE, TABLE),
        ("aws", "https://console.aws.amazon.com/", "https://console.aws.amazon.com/"),
        (
            "aws-us-gov",
            None,
            "https://eu-west-1.console.amazonaws-us-gov.com/console/home?region=eu-west-1",
        ),
        ("aws-cn", "/s3/home#a", "https://eu-west-1.console.amazonaws.cn/s3/home#a"),
    ],
)
def test_a_console_path_becomes_a_full_url(partition: str, typed: str | None, resolved: str) -> None:
    assert Destinations(PARTITIONS[partition], None).resolve("eu-west-1", typed) == resolved


NOT_THE_CONSOLE = [
    "http://console.aws.amazon.com/",
    "https://evil.example/",
    "https://console.aws.amazon.com.evil.example/",
    "https://evilconsole.aws.amazon.com/",
    "https://console.aws.amazon.com@evil.example/",
    "https://user@console.aws.amazon.com/",
    "https://console.aws.amazon.com:8443/",
    "https://console.aws.amazon.com:port/",
    "https://console.amazonaws.cn/",
    "https://[console.aws.amazon.com/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/s3\r\nX: y",
    "/s3\t",
    "/a b",
    "/ünicode",
    "javascript:alert(1)",
    "console.aws.amazon.com",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("typed", NOT_THE_CONSOLE)
def test_a_destination_outside_the_console_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest):
        Destinations(PARTITIONS["aws"], None).resolve("eu-west-1", typed)


@given(st.text() | st.from_regex(r"(https?:)?[/\\]{0,3}[a-z.@:/\\-]*console\.aws\.amazon\.com[a-z.@:/\\-]*"))
def test_no_typed_destination_leaves_the_console(typed: str) -> None:
    try:
        resolved = urlsplit(Destinations(PARTITIONS["aws"], None).resolve("eu-west-1", typed))
    except InvalidRequest:
        return
    assert resolved.scheme == "https"
    assert f".{resolved.hostname}".endswith(".console.aws.amazon.com")
    assert resolved.port in (None, 443)


@pytest.mark.parametrize(
    ("typed", "is_console"),
    [
        ("http://127.0.0.1:4566/console/s3/x", True),
        ("/console/s3/x", True),
        ("http://127.0.0.1:4567/console", False),
        ("https://127.0.0.1:4566/console", False),
        ("http://x@127.0.0.1:4566/console", False),
        ("https://console.aws.amazon.com/", False),
    ],
)
def test_a_configured_console_excludes_all_others(typed: str, is_console: bool) -> None:
    destinations = Destinations(PARTITIONS["aws"], "http://127.0.0.1:4566/console")

    if is_console:
        assert destinations.resolve("eu-west-1", typed).startswith("http://127.0.0.1:4566/console/s3")
    else:
        with pytest.raises(InvalidRequest):
            destinations.resolve("eu-west-1", typed)
