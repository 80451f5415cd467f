"""Listings that were read a moment ago, for everybody who asks meanwhile."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta

from daypass.portal.access.broker import AWS_TIME
from daypass.portal.errors import AwsError, Overloaded
from daypass.portal.inventory.model import Listing
from daypass.portal.tenants.model import Tenant

KEPT = timedelta(minutes=1)
"""How old a listing may be that is shown without reading it again."""

REFRESH_EVERY = timedelta(seconds=3)
"""How old it is at least before anybody can have it read again: pressing twice asks AWS once."""

MOST_KEPT = 50_000
"""How many resources are kept of all tenants together; the listings longest unused go first."""

Reading = Future[Listing | None]
"""A listing on its way; None where its reader gave up for reasons of its own."""


class ListingCache:
    """Keeps listings by tenant, and has one reader for each at a time; the others wait for what it reads."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Listing] = OrderedDict()
        self._reading: dict[str, Reading] = {}

    def get(
        self, tenant: Tenant, now: datetime, read: Callable[[], Listing], *, is_fresh: bool = False
    ) -> Listing:
        """The tenant's listing: kept, being read by another, or else read by *read*.

        What AWS refuses is refused to all who wait for it; what else becomes of one reader's request is
        its own matter, and the next one reads.
        """
        while True:
            found, is_ours = self._look(tenant, now, _age(is_fresh=is_fresh))
            if isinstance(found, Listing):
                return found
            if is_ours:
                return self._read(tenant, found, read)
            if listing := _wait(found):
                return listing

    def find(self, tenant: Tenant, now: datetime, *, is_fresh: bool = False) -> Listing | None:
        """Return the listing that `get` would answer without reading or waiting; else None."""
        with self._lock:
            return self._good(tenant, now, _age(is_fresh=is_fresh))

    def __len__(self) -> int:
        """How many resources are kept."""
        return sum(len(listing.resources) for listing in self._kept.values())

    def _look(self, tenant: Tenant, now: datetime, age: timedelta) -> tuple[Listing | Reading, bool]:
        """What is kept; else what is being read; else a reading that is the caller's to do."""
        with self._lock:
            if kept := self._good(tenant, now, age):
                return kept, False
            if others := self._reading.get(tenant.id):
                return others, False
            own = self._reading[tenant.id] = Reading()
            return own, True

    def _good(self, tenant: Tenant, now: datetime, age: timedelta) -> Listing | None:
        kept = self._kept.get(tenant.id)
        # A tenant that was given another role or region owns other things.
        if kept is None or kept.tenant != tenant or abs(now - kept.read_at) >= age:
            return None
        self._kept.move_to_end(tenant.id)
        return kept

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
                    self._keep(listing)
            if refusal is None:
                own.set_result(listing)
            else:
                own.set_exception(refusal)
        return listing

    def _keep(self, listing: Listing) -> None:
        self._kept[listing.tenant.id] = listing
        self._kept.move_to_end(listing.tenant.id)
        while len(self) > self._most:
            self._kept.popitem(last=False)


def _age(*, is_fresh: bool) -> timedelta:
    return REFRESH_EVERY if is_fresh else KEPT


def _wait(reading: Reading) -> Listing | None:
    try:
        return reading.result(AWS_TIME.total_seconds())
    except TimeoutError as error:
        raise Overloaded("The tenant's resources are still being read. Try again in a moment.") from error
