"""A cache of listings, shared by all users, with single-flight reads."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta

from daypass.portal.access.broker import AWS_TIME_LIMIT
from daypass.portal.errors import AwsError, Overloaded
from daypass.portal.inventory.model import Listing
from daypass.portal.tenants.model import Tenant

MAX_AGE = timedelta(minutes=1)
"""The maximum age of a cached listing."""

REFRESH_EVERY = timedelta(seconds=3)
"""The minimum age before a user can force a new read, so that a double click reads once."""

MAX_RESOURCES = 50_000
"""The maximum number of cached resources of all tenants together; eviction is LRU by listing."""

Reading = Future[Listing | None]
"""A listing that is being read; None if its reader failed for reasons of its own request."""


class ListingCache:
    """An LRU cache of listings by tenant; one thread reads a tenant's listing while others wait for it."""

    def __init__(self, most: int = MAX_RESOURCES) -> None:
        self._max_resources = most
        self._lock = threading.Lock()
        self._cached: OrderedDict[str, Listing] = OrderedDict()
        self._reading: dict[str, Reading] = {}

    def get(
        self, tenant: Tenant, now: datetime, read: Callable[[], Listing], *, is_fresh: bool = False
    ) -> Listing:
        """Return the tenant's listing: cached, being read by another thread, or else read by *read*.

        An AWS error is raised for all waiting threads; any other failure concerns only the reader's own
        request, and the next thread reads instead.
        """
        while True:
            result, is_ours = self._look(tenant, now, _age(is_fresh=is_fresh))
            if isinstance(result, Listing):
                return result
            if is_ours:
                return self._read(tenant, result, read)
            if listing := _wait(result):
                return listing

    def find(self, tenant: Tenant, now: datetime, *, is_fresh: bool = False) -> Listing | None:
        """Return the listing that `get` would return without reading or waiting, or None."""
        with self._lock:
            return self._valid(tenant, now, _age(is_fresh=is_fresh))

    def __len__(self) -> int:
        """Return the number of cached resources."""
        return sum(len(listing.resources) for listing in self._cached.values())

    def _look(self, tenant: Tenant, now: datetime, age: timedelta) -> tuple[Listing | Reading, bool]:
        """Return the cached listing, or the read in flight, or a new read and True: the caller must do it."""
        with self._lock:
            if cached := self._valid(tenant, now, age):
                return cached, False
            if others := self._reading.get(tenant.id):
                return others, False
            own = self._reading[tenant.id] = Reading()
            return own, True

    def _valid(self, tenant: Tenant, now: datetime, age: timedelta) -> Listing | None:
        cached = self._cached.get(tenant.id)
        # A change of the tenant's role or region invalidates its listing. The difference of the times is
        # absolute, because a clock that was set back would otherwise keep a listing for as long.
        if cached is None or cached.tenant != tenant or abs(now - cached.read_at) >= age:
            return None
        self._cached.move_to_end(tenant.id)
        return cached

    def _read(self, tenant: Tenant, own: Reading, read: Callable[[], Listing]) -> Listing:
        listing: Listing | None = None
        refusal: AwsError | None = None
        try:
            listing = read()
        except AwsError as error:
            refusal = error
            raise
        finally:
            with self._lock:
                del self._reading[tenant.id]
                if listing is not None:
                    self._store(listing)
            if refusal is None:
                own.set_result(listing)
            else:
                own.set_exception(refusal)
        return listing

    def _store(self, listing: Listing) -> None:
        self._cached[listing.tenant.id] = listing
        self._cached.move_to_end(listing.tenant.id)
        while len(self) > self._max_resources:
            self._cached.popitem(last=False)


def _age(*, is_fresh: bool) -> timedelta:
    return REFRESH_EVERY if is_fresh else MAX_AGE


def _wait(reading: Reading) -> Listing | None:
    try:
        return reading.result(AWS_TIME_LIMIT.total_seconds())
    except TimeoutError as error:
        raise Overloaded("The tenant's resources are still being read. Try again in a moment.") from error
