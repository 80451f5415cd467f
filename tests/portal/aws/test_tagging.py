"""Tests of the tag search against a scripted AWS: pages, errors, timeouts."""

import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.tagging import TaggingFinder, make_finder
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import (
    AwsError,
    AwsMisconfigured,
    AwsRefused,
    AwsThrottled,
    AwsUnavailable,
)
from daypass.portal.inventory.finder import Query
from daypass.portal.inventory.model import TaggedArn
from daypass.portal.secret import Secret
from tests.fakes import NOON
from tests.portal.aws.conftest import OwnKeys, aws_config
from tests.portal.aws.stub import FakeTiming, Script, StubAws, answer, reset

ROLE = "arn:aws:iam::123456789012:role/duploservices-dev01"
QUERY = Query("eu-west-1", "TENANT_NAME", "dev01", ("s3", "sqs"), ROLE)
CREDENTIALS = Credentials("ASIAEXAMPLEEXAMPLE12", Secret("SECRET-CANARY"), Secret("TOKEN-CANARY"), NOON)


def page(*arns: str, token: str | None = "") -> Script:
    found: list[Any] = [{"ResourceARN": arn, "Tags": [{"Key": "A", "Value": "b"}]} for arn in arns]
    return body({"ResourceTagMappingList": found, "PaginationToken": token})


def body(content: object, status: int = 200) -> Script:
    return answer(status, json.dumps(content).encode(), "application/x-amz-json-1.1")


def found(**entry: object) -> Script:
    return body({"ResourceTagMappingList": [entry]})


def error(code: str, status: int = 400) -> Script:
    return body({"__type": code, "message": "CANARY"}, status)


@pytest.fixture
def source(stub: StubAws, waits: FakeTiming) -> TaggingFinder:
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, random=lambda: 0.5)
    return _source(stub, timing)


def _source(stub: StubAws, timing: Timing) -> TaggingFinder:
    return make_finder(aws_config(stub.url), connections=2, session=OwnKeys().session(), timing=timing)


def read(source: TaggingFinder, deadline: float = 1008.0) -> Sequence[Sequence[TaggedArn]]:
    return [*source.pages(QUERY, CREDENTIALS, Deadline(deadline))]


def test_every_page_is_read(source: TaggingFinder, stub: StubAws) -> None:
    stub.play(page("arn:1", "arn:2", token="next"), page("arn:3", token=None))

    assert read(source) == [
        [TaggedArn("arn:1", {"A": "b"}), TaggedArn("arn:2", {"A": "b"})],
        [TaggedArn("arn:3", {"A": "b"})],
    ]

    first, second = map(json.loads, stub.bodies)
    assert first == {
        "ResourcesPerPage": 100,
        "ResourceTypeFilters": ["s3", "sqs"],
        "TagFilters": [{"Key": "TENANT_NAME", "Values": ["dev01"]}],
    }
    assert second == first | {"PaginationToken": "next"}


def test_the_search_is_signed_with_the_keys_of_the_session(source: TaggingFinder, stub: StubAws) -> None:
    headers: list[dict[str, str]] = []

    def look(handler: BaseHTTPRequestHandler) -> None:
        headers.append(dict(handler.headers))
        page()(handler)

    stub.play(look)
    read(source)

    assert headers[0]["X-Amz-Target"] == "ResourceGroupsTaggingAPI_20170126.GetResources"
    assert headers[0]["X-Amz-Security-Token"] == "TOKEN-CANARY"
    assert "ASIAEXAMPLEEXAMPLE12/" in headers[0]["Authorization"]
    assert "/eu-west-1/tagging/aws4_request" in headers[0]["Authorization"]


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        (error("AccessDeniedException"), AwsRefused, "tag:GetResources"),
        (error("AccessDeniedException", 403), AwsRefused, ROLE),
        (error("com.amazonaws.tagging#ThrottledException"), AwsThrottled, "throttled"),
        (error("ThrottlingException"), AwsThrottled, "throttled"),
        (error("InternalServiceException", 500), AwsUnavailable, "internal error"),
        (error("InternalFailure", 500), AwsUnavailable, "internal error"),
        (error("UnrecognizedClientException"), AwsMisconfigured, "credentials"),
        (error("InvalidParameterException"), AwsRefused, "InvalidParameterException"),
        (error("<script>"), AwsRefused, "not a valid response"),
        (body({"message": "CANARY"}, 503), AwsUnavailable, "internal error"),
        (body({}), AwsRefused, "not a valid response"),
        (body([]), AwsRefused, "not a valid response"),
        (body({"ResourceTagMappingList": None}), AwsRefused, "not a valid response"),
        (found(), AwsRefused, "not a valid response"),
        (found(ResourceARN=1), AwsRefused, "not a valid response"),
        (
            body({"ResourceTagMappingList": [{"ResourceARN": "a", "Tags": [{"Key": "k"}]}]}),
            AwsRefused,
            "not a valid response",
        ),
        (
            body({"ResourceTagMappingList": [{"ResourceARN": "a", "Tags": 7}]}),
            AwsRefused,
            "not a valid response",
        ),
        (answer(200, b"It works!"), AwsRefused, "not a valid response"),
        (answer(200, b"[" * 100_000), AwsRefused, "not a valid response"),
        (
            answer(200, b'{"ResourceTagMappingList": []}' + b" " * 8 * 1024 * 1024),
            AwsRefused,
            "not a valid response",
        ),
        (reset, AwsUnavailable, "reached"),
    ],
)
def test_each_aws_error_maps_to_an_error_with_a_remedy(
    source: TaggingFinder, stub: StubAws, script: Script, kind: type[AwsError], says: str
) -> None:
    stub.play(script)

    with pytest.raises(kind, match=says) as refused:
        read(source)

    assert "CANARY" not in str(refused.value)


def test_temporary_errors_are_retried(source: TaggingFinder, stub: StubAws, waits: FakeTiming) -> None:
    stub.play(error("ThrottlingException"), reset, page("arn:1"))

    assert len(read(source)) == 1
    assert len(waits.waits) == 2


def test_a_response_that_arrives_byte_by_byte_is_abandoned_at_the_deadline(stub: StubAws) -> None:
    source = _source(stub, Timing())
    stub.play(stub.drip)

    # The complete response would be another error: it is not a valid one.
    with pytest.raises(AwsUnavailable):
        read(source, time.monotonic() + 0.5)


def test_each_region_has_its_own_endpoint() -> None:
    assert PARTITIONS["aws"].tagging_url("eu-west-1") == "https://tagging.eu-west-1.amazonaws.com"
    assert PARTITIONS["aws-cn"].tagging_url("cn-north-1") == "https://tagging.cn-north-1.amazonaws.com.cn"


def test_concurrent_searches_are_safe(source: TaggingFinder, stub: StubAws) -> None:
    stub.play(page("arn:1"))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(read(source)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [1] * 8
