"""Tests of the listing cache: expiry, single-flight reads, eviction."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Event

import pytest

from daypass.portal.errors import AwsThrottled, TenantNotFound
from daypass.portal.inventory.kinds import ResourceArn
from daypass.portal.inventory.listing_cache import ListingCache, Reading
from daypass.portal.inventory.model import Listing, Resource
from daypass.portal.tenants.model import Tenant, TenantId
from tests.fakes import NOON, retargeted
from tests.portal.access.conftest import DEV, PROD
from tests.portal.inventory.resources import KINDS

SECOND = timedelta(seconds=1)


def listing(tenant: Tenant = DEV, at: datetime = NOON, size: int = 1) -> Listing:
    named = KINDS.parse("arn:aws:s3:::duploservices-dev01-x")
    assert isinstance(named, ResourceArn)
    return Listing(tenant, tuple(Resource(named, {}) for _ in range(size)), at, True)


class WatchedCache(ListingCache):
    """A cache that signals when a thread has begun to wait for another's read."""

    def __init__(self) -> None:
        super().__init__()
        self.has_waiting_thread = Event()

    def _look(self, tenant: Tenant, now: datetime, age: timedelta) -> tuple[Listing | Reading, bool]:
        found, is_ours = super()._look(tenant, now, age)
        if not is_ours and not isinstance(found, Listing):
            self.has_waiting_thread.set()
        return found, is_ours


def unread() -> Listing:
    raise AssertionError("this should not have been read again")


@pytest.mark.parametrize(
    ("later", "is_fresh", "is_read_again"),
    [
        (timedelta(), False, False),
        (59 * SECOND, False, False),
        (60 * SECOND, False, True),
        (-60 * SECOND, False, True),
        (2 * SECOND, True, False),
        (3 * SECOND, True, True),
    ],
)
def test_a_listing_is_cached_for_a_minute_unless_a_fresh_one_is_requested(
    later: timedelta, is_fresh: bool, is_read_again: bool
) -> None:
    cache, first, second = ListingCache(), listing(), listing()
    cache.get(DEV, NOON, lambda: first)

    found = cache.get(DEV, NOON + later, lambda: second, is_fresh=is_fresh)

    assert (found is second) == is_read_again


def test_a_changed_tenant_is_read_again() -> None:
    cache, moved = ListingCache(), retargeted(DEV, region="us-east-1")
    cache.get(DEV, NOON, listing)

    assert cache.get(moved, NOON, lambda: listing(moved)).tenant is moved


def test_the_least_recently_used_listing_is_evicted_first() -> None:
    cache, third = ListingCache(most=20), replace(DEV, id=TenantId("third"))
    cache.get(DEV, NOON, lambda: listing(DEV, size=10))
    cache.get(PROD, NOON, lambda: listing(PROD, size=10))
    cache.get(DEV, NOON, unread)

    cache.get(third, NOON, lambda: listing(third, size=5))

    assert len(cache) == 15
    cache.get(DEV, NOON, unread)
    assert cache.get(PROD, NOON, lambda: listing(PROD, size=1)).resources


def test_a_listing_larger_than_the_cache_is_returned_and_not_cached() -> None:
    cache = ListingCache(most=3)

    assert len(cache.get(DEV, NOON, lambda: listing(size=4)).resources) == 4
    assert len(cache) == 0


@pytest.mark.parametrize("waiting", [8])
def test_concurrent_requests_cause_one_read(waiting: int) -> None:
    cache, all_here, reads = ListingCache(), Barrier(waiting), []

    def read() -> Listing:
        reads.append(1)
        return listing()

    def ask(_: int) -> Listing:
        all_here.wait(60)
        return cache.get(DEV, NOON, read)

    with ThreadPoolExecutor(waiting) as pool:
        found = [*pool.map(ask, range(waiting))]

    assert len(reads) == 1
    assert len({id(each) for each in found}) == 1


def test_a_read_does_not_block_other_tenants() -> None:
    cache, is_reading, goes_on = ListingCache(), Event(), Event()

    def slow() -> Listing:
        is_reading.set()
        assert goes_on.wait(60)
        return listing()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, DEV, NOON, slow)
        assert is_reading.wait(60)
        other = cache.get(PROD, NOON, lambda: listing(PROD))
        goes_on.set()

    assert other.tenant is PROD
    assert first.result().tenant is DEV


@pytest.mark.parametrize("refusal", [TenantNotFound("not yours"), AwsThrottled("a pause")])
def test_an_aws_error_reaches_all_waiting_threads_and_any_other_error_only_the_reader(
    refusal: Exception,
) -> None:
    cache, is_reading, goes_on, read = WatchedCache(), Event(), Event(), listing()

    def fail() -> Listing:
        is_reading.set()
        assert goes_on.wait(60)
        raise refusal

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, DEV, NOON, fail)
        assert is_reading.wait(60)
        other = pool.submit(cache.get, DEV, NOON, lambda: read)
        assert cache.has_waiting_thread.wait(60)
        goes_on.set()
        assert first.exception() is refusal
        if isinstance(refusal, AwsThrottled):
            assert other.exception() is refusal
        else:
            assert other.result() is read

    # A refusal is not kept.
    assert cache.get(DEV, NOON, listing).resources
