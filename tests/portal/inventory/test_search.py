"""Tests of search and pagination in a listing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import InvalidRequest
from daypass.portal.inventory.arns import owned_resource
from daypass.portal.inventory.model import Resource
from daypass.portal.inventory.search import count, page_of, search
from daypass.portal.storage.pagination import PageRequest
from tests.portal.inventory.resources import KINDS, arns_of, everything_of, tagged


def listed(*more: str, **tags: str) -> list[Resource]:
    found = [*everything_of("dev01"), *(tagged(arn, "dev01", **tags) for arn in more)]
    resources = [
        resource for each in found if (resource := owned_resource(KINDS, each, "dev01", "duploservices-"))
    ]
    return sorted(resources, key=lambda resource: resource.named.position)


def test_resources_are_sorted_by_kind_and_name() -> None:
    resources = listed("arn:aws:s3:::duploservices-dev01-archive", "arn:aws:s3:::duploservices-dev01-uploads")

    buckets = [resource for resource in resources if resource.kind.name == "s3-bucket"]
    assert [resource.name.rpartition("-")[2] for resource in buckets] == ["archive", "reports", "uploads"]
    assert [*dict.fromkeys(resource.kind.name for resource in resources)] == [*arns_of("dev01")]
    assert [kind.name for kind in count(resources)] == [*arns_of("dev01")]
    assert count(resources)[buckets[0].kind] == 3


@pytest.mark.parametrize(
    ("words", "kind", "found"),
    [
        ("", None, 11),
        ("REPORTS", None, 1),
        ("dev01 orders", None, 1),
        ("orders nowhere", None, 0),
        ("queue", None, 1),
        ("log group", None, 1),
        ("shop", None, 1),
        ("billing", None, 1),
        ("cost-centre", None, 0),
        ("", "s3-bucket", 2),
        ("reports", "sqs-queue", 0),
    ],
)
def test_words_are_searched_in_names_kinds_and_tags(words: str, kind: str | None, found: int) -> None:
    resources = listed("arn:aws:s3:::duploservices-dev01-uploads", billing="Shop")

    assert len(search(resources, words, None if kind is None else KINDS.find(kind))) == found


@given(limit=st.integers(1, 12))
def test_pages_contain_each_resource_once(limit: int) -> None:
    resources = listed()
    shown: list[Resource] = []
    cursor = None
    while True:
        page = page_of(KINDS, resources, PageRequest(cursor, limit))
        shown += page.records
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.records) == limit

    assert shown == resources


def test_a_cursor_works_after_its_resource_was_deleted() -> None:
    resources = listed()
    first = page_of(KINDS, resources, PageRequest(limit=4))

    page = page_of(KINDS, resources[:3] + resources[4:], PageRequest(first.next_cursor, 4))

    assert page.records == resources[4:8]


def test_an_invalid_cursor_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no such page"):
        page_of(KINDS, listed(), PageRequest("somewhere"))
