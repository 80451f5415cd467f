"""Tests of the links to console pages, in each partition and in the sandbox."""

import re
from urllib.parse import unquote

import pytest

from daypass.common.console.arn import parse
from daypass.common.console.pages import resource_page
from daypass.portal.aws.console import Destinations
from daypass.portal.aws.partitions import PARTITIONS, Partition
from daypass.portal.inventory.console import console_path
from daypass.sandbox.console.urls import console_page_of
from tests.portal.inventory.resources import KINDS, arns_of, examples_of

REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}
LINKS = {
    "s3-bucket": "/s3/buckets/duploservices-dev01-reports?region=eu-west-1&tab=objects",
    "dynamodb-table": "/dynamodbv2/home?region=eu-west-1#table?name=duploservices-dev01-orders",
    "sqs-queue": (
        "/sqs/v3/home?region=eu-west-1#/queues/"
        "https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F123456789012%2Fduploservices-dev01-jobs"
    ),
    "sns-topic": (
        "/sns/v3/home?region=eu-west-1#/topic/arn:aws:sns:eu-west-1:123456789012:duploservices-dev01-alerts"
    ),
    "kinesis-stream": (
        "/kinesis/home?region=eu-west-1#/streams/details/duploservices-dev01-events/monitoring"
    ),
    "api-gateway": "/apigateway/main/apis/dev01api/resources?api=dev01api&region=eu-west-1",
    "lambda-function": "/lambda/home?region=eu-west-1#/functions/duploservices-dev01-worker?tab=code",
    "rds-database": "/rds/home?region=eu-west-1#database:id=duploservices-dev01-main",
    "secret": "/secretsmanager/secret?name=duploservices-dev01-key&region=eu-west-1",
    "log-group": (
        "/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
        "$252Faws$252Flambda$252Fduploservices-dev01-worker"
    ),
}


def path_of(arn: str, region: str = "eu-west-1") -> str:
    named = KINDS.parse(arn)
    assert named is not None
    return console_path(named, region)


@pytest.mark.parametrize("kind", LINKS)
def test_each_kind_has_a_console_page(kind: str) -> None:
    assert path_of(arns_of("dev01")[kind]) == LINKS[kind]


@pytest.mark.parametrize("kind", KINDS.names)
def test_every_kind_has_an_exact_page_in_each_partition(kind: str) -> None:
    for partition, region in REGIONS.items():
        arn = parse(examples_of("dev01", partition)[kind].replace(":us-east-1:", f":{region}:"))
        assert arn is not None

        page = resource_page(arn, region)

        assert page.is_exact
        assert f"region={region}" in page.path
        assert "{" not in page.path


@pytest.mark.parametrize("kind", KINDS.names)
def test_a_name_cannot_change_the_structure_of_a_page(kind: str) -> None:
    plain, odd = "shop", 's&a=b#c?d%2Fe+ü "x'
    example = examples_of("dev01")[kind]
    named = KINDS.parse(example)
    assert named is not None

    paths = {name: path_of(example.replace(named.id, named.id + name)) for name in (plain, odd)}

    marks = {
        name: [re.sub(r"%..|\$25..", "", path).count(mark) for mark in "&=#?/ "]
        for name, path in paths.items()
    }
    assert marks[odd] == marks[plain]
    # Some pages have the id only, which the service chose.
    assert (odd in _decoded(paths[odd])) == (plain in paths[plain])


def _decoded(path: str) -> str:
    # CloudWatch writes "$" for "%", and encodes twice, as does Systems Manager.
    twice = any(console in path for console in ("log-groups", "/systems-manager/parameters/"))
    decoded = unquote(path.replace("$", "%") if "log-groups" in path else path)
    return unquote(decoded) if twice else decoded


@pytest.mark.parametrize("partition", PARTITIONS.values(), ids=lambda partition: partition.name)
@pytest.mark.parametrize("kind", LINKS)
def test_the_console_page_is_in_the_console_of_the_partition(kind: str, partition: Partition) -> None:
    landing = Destinations(partition, None).resolve("eu-west-1", LINKS[kind])

    assert landing == f"https://eu-west-1.{partition.console_host}{LINKS[kind]}"


def test_a_queue_page_has_the_queue_url_of_the_partition() -> None:
    path = path_of("arn:aws-cn:sqs:cn-north-1:123456789012:duploservices-dev01-jobs", "cn-north-1")

    assert "https%3A%2F%2Fsqs.cn-north-1.amazonaws.com.cn%2F123456789012%2F" in path


@pytest.mark.parametrize(
    ("arn", "path"),
    [
        # A bucket's ARN has no region, so the tenant's is used.
        ("arn:aws:s3:::x", "/s3/buckets/x?region=us-west-2&tab=objects"),
        ("arn:aws:dynamodb:eu-west-1:1:table/x", "/dynamodbv2/home?region=eu-west-1#table?name=x"),
        ("arn:aws:rds:eu-west-1:1:cluster:x", "/rds/home?region=eu-west-1#database:id=x;is-cluster=true"),
        (
            "arn:aws:secretsmanager:eu-west-1:1:secret:team/a b",
            "/secretsmanager/secret?name=team%2Fa%20b&region=eu-west-1",
        ),
        ("arn:aws:s3:::a&b=c#d?e", "/s3/buckets/a%26b%3Dc%23d%3Fe?region=us-west-2&tab=objects"),
    ],
)
def test_names_are_escaped_in_console_links(arn: str, path: str) -> None:
    assert path_of(arn, "us-west-2") == path


@pytest.mark.parametrize(
    "kind",
    [
        "s3-bucket",
        "dynamodb-table",
        "sqs-queue",
        "sns-topic",
        "kinesis-stream",
        "api-gateway",
        "lambda-function",
        "log-group",
    ],
)
def test_the_sandbox_console_has_a_page_for_the_kinds_of_the_demo(kind: str) -> None:
    arn = arns_of("dev01")[kind]

    place = console_page_of(f"http://127.0.0.1:4566{path_of(arn)}", "http://127.0.0.1:4566")

    assert place.kind is not None
    assert place.name
    assert arn.endswith(place.name)
