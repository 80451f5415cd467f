"""A tenant's AWS resources in the API: pagination, search and access."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from daypass.portal.errors import AwsRefused, AwsThrottled, AwsTrustRefused, AwsUnavailable, PortalError
from tests.portal.http.client import Client
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, World
from tests.portal.inventory.resources import arns_of, everything_of, tagged

OURS = "/api/v1/tenants/dev01/resources"


@pytest.fixture
def full_world(quick_world: World) -> World:
    """A portal whose AWS returns all resources for every search."""
    quick_world.source.resources = [
        *everything_of("dev01"),
        *everything_of("data01", "us-west-2"),
        tagged("arn:aws:s3:::duploservices-dev01-uploads", "dev01", team="Shop"),
    ]
    return quick_world


@pytest.fixture
def client(full_world: World) -> Client:
    return full_world.client()


def test_a_member_lists_the_tenant_s_resources(full_world: World, client: Client) -> None:
    answer = client.get(OURS, full_world.tokens[DANA]).json

    assert answer["tenant"] == {"id": DEV.id, "name": "dev01"}
    assert answer["total"] == 11
    assert answer["kinds"] == dict.fromkeys(arns_of("dev01"), 1) | {"s3-bucket": 2}
    assert answer["read_at"] == "2026-11-24T12:00:00+00:00"
    assert answer["complete"] is True
    assert answer["next_cursor"] is None
    assert "data01" not in str(answer)
    assert answer["resources"][6] == {
        "arn": "arn:aws:s3:::duploservices-dev01-reports",
        "kind": "s3-bucket",
        "label": "S3 Bucket",
        "name": "duploservices-dev01-reports",
        "region": "eu-west-1",
        "tags": {"TENANT_NAME": "dev01"},
        "destination": "/s3/buckets/duploservices-dev01-reports?region=eu-west-1&tab=objects",
    }


def test_the_destination_of_a_resource_is_accepted_for_a_console_link(
    full_world: World, client: Client
) -> None:
    token = full_world.tokens[DANA]
    for resource in client.get(OURS, token).json["resources"]:
        requested = {"tenant": "dev01", "purpose": "console", "destination": resource["destination"]}

        assert client.post("/api/v1/sessions", token, requested).status == 201
        assert full_world.broker.opened_pages[-1].endswith(resource["destination"])


def test_the_list_of_resources_is_paginated(full_world: World, client: Client) -> None:
    shown: list[str] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        answer = client.get(OURS, full_world.tokens[DANA], query=urlencode(query)).json
        shown += [resource["arn"] for resource in answer["resources"]]
        assert answer["total"] == 11
        if answer["next_cursor"] is None:
            break
        query["cursor"] = answer["next_cursor"]

    assert len(shown) == len(set(shown)) == 11


@pytest.mark.parametrize(
    ("query", "total"),
    [("search=shop", 1), ("kind=s3-bucket", 2), ("search=dev01+queue", 1), ("search=x+y", 0)],
)
def test_search_words_and_kinds_filter_the_resources(
    full_world: World, client: Client, query: str, total: int
) -> None:
    answer = client.get(OURS, full_world.tokens[DANA], query=query).json

    assert answer["total"] == len(answer["resources"]) == total


@pytest.mark.parametrize(
    "query",
    ["kind=ec2", "limit=0", "limit=201", "cursor=x", "refresh=perhaps", "order=name", f"search={'x' * 201}"],
)
def test_invalid_query_parameters_are_refused(full_world: World, client: Client, query: str) -> None:
    answer = client.get(OURS, full_world.tokens[DANA], query=query)

    assert answer.status == 422
    assert answer.json["detail"].endswith(".")


def test_resources_are_cached_for_a_minute_unless_refreshed(full_world: World, client: Client) -> None:
    for username, query, later in (
        (DANA, "", timedelta()),
        (ADMIN, "", timedelta(seconds=30)),
        (ADMIN, "refresh=true", timedelta(seconds=29)),
    ):
        full_world.clock.move(later)
        assert client.get(OURS, full_world.tokens[username], query=query).status == 200

    assert len(full_world.source.queries) == 2


@pytest.mark.parametrize("username", [DANA, NOOR])
def test_a_foreign_and_a_missing_tenant_get_the_same_answer(
    full_world: World, client: Client, username: str
) -> None:
    token = full_world.tokens[username]
    for foreign, absent in ((DATA.name, "nope01"), (DATA.id, DATA.id[:-1] + "f")):
        one, other = (client.get(f"/api/v1/tenants/{typed}/resources", token) for typed in (foreign, absent))

        assert one.status == 404
        status, headers, body = one.without_id
        assert (status, headers, body.replace(foreign.encode(), absent.encode())) == other.without_id
    assert full_world.source.queries == []


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (AwsThrottled("A pause."), 503),
        (AwsUnavailable("Away."), 503),
        (AwsRefused("No right to tag:GetResources."), 502),
        (AwsTrustRefused("Not let in."), 502),
    ],
)
def test_errors_of_aws_are_passed_on(
    full_world: World, client: Client, refusal: PortalError, status: int
) -> None:
    full_world.source.error = refusal

    answer = client.get(OURS, full_world.tokens[DANA])

    assert (answer.status, answer.json["detail"]) == (status, refusal.reason)


def test_an_incomplete_listing_is_marked(full_world: World, client: Client) -> None:
    full_world.source.page_size, full_world.source.error_after = 5, 1
    full_world.source.error = AwsThrottled("A pause.")

    answer = client.get(OURS, full_world.tokens[DANA]).json

    assert answer["complete"] is False
    assert answer["total"] == 5
    assert answer["resources"][0]["arn"] == arns_of("dev01")["api-gateway"]


def test_the_document_has_the_tenant_as_a_path_parameter(still_client: Client) -> None:
    described = still_client.get("/api/v1/openapi.json").json

    parameters = described["paths"]["/api/v1/tenants/{tenant}/resources"]["get"]["parameters"]
    assert [(each["name"], each["in"], each["required"]) for each in parameters] == [
        ("tenant", "path", True),
        *((name, "query", False) for name in ("cursor", "limit", "search", "kind", "refresh")),
    ]
    assert parameters[4]["schema"]["pattern"] == "^[a-z0-9-]+$"
