"""A value from an issuer, cached: one thread fetches it, and it is served while the issuer is down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from daypass.portal.clock import Clock
from daypass.portal.identity.jwt.errors import IssuerUnavailable

T = TypeVar("T")

STALE = timedelta(hours=24)
"""How long a value that is no longer fresh is served while the issuer cannot be reached."""

_RETRY = timedelta(seconds=10)
_REFRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """A value, and how long it is fresh."""

    value: T
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T
    fresh_until: datetime


class CachedValue(Generic[T]):
    """A cached value of one issuer; thread-safe.

    After a failure the issuer is left alone for ten seconds, so that requests do not queue up behind one that
    does not answer.
    """

    def __init__(self, clock: Clock, fetch: Callable[[], Fetched[T]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._lock = Lock()
        self._entry: _Entry[T] | None = None
        self._failure: IssuerUnavailable | None = None
        self._failed_at: datetime | None = None
        self._refreshed_at: datetime | None = None
        self._attempts = 0

    def get(self) -> T:
        """Return the value, fetched if it is no longer fresh; raises `IssuerUnavailable`."""
        entry = self._entry
        if entry is not None and self._clock() < entry.fresh_until:
            return entry.value
        # A thread that has an older value does not wait for the one that fetches.
        if not self._lock.acquire(blocking=not self._is_servable(entry)):
            return self._stale_value()
        try:
            # Read again: another thread may have fetched the value while this one waited for the lock.
            entry = self._entry
            if entry is not None and self._clock() < entry.fresh_until:
                return entry.value
            if not self._must_wait():
                self._fetch_locked()
            return self._stale_value()
        finally:
            self._lock.release()

    def refresh(self, is_enough: Callable[[T], bool]) -> T:
        """Return a value that was fetched again, because *is_enough* is false for the cached one.

        Threads that ask together get the result of one fetch, and there is one fetch in a minute: a token
        that names a key which does not exist costs its sender nothing.
        """
        with self._lock:
            now = self._clock()
            is_allowed = self._refreshed_at is None or now - self._refreshed_at >= _REFRESH
            if is_allowed and not self._must_wait() and not is_enough(self._stale_value()):
                # Also for a fetch that fails: an issuer that is down is not asked for every unknown key.
                self._refreshed_at = now
                self._fetch_locked()
            return self._stale_value()

    def _fetch_locked(self) -> None:
        """Fetch the value, and keep it or the failure."""
        try:
            fetched = self._fetch()
        except IssuerUnavailable as error:
            self._failure, self._failed_at = error, self._clock()
            return
        self._entry = _Entry(fetched.value, self._clock() + fetched.lifetime)
        self._failure = self._failed_at = None

    def _must_wait(self) -> bool:
        return self._failed_at is not None and self._clock() - self._failed_at < _RETRY

    def _is_servable(self, entry: _Entry[T] | None) -> bool:
        return entry is not None and self._clock() < entry.fresh_until + STALE

    def _stale_value(self) -> T:
        entry = self._entry
        if entry is not None and self._is_servable(entry):
            return entry.value
        raise IssuerUnavailable(str(self._failure)) from self._failure
